#include "kernels/vector_neurons.h"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"
#include "kernels/parallel.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/vector_neurons.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/small_matmul-inl.h"
#include "kernels/cpu/vector_neurons-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

constexpr int64_t kMostChunks = 32;    // partial sums of the statistics and gradients
constexpr int64_t kRowsAtLeast = 256;  // per chunk
constexpr int64_t kPoolRows = 20;      // multiplied by `pool` together

// Every row adds the vectors of two points: p = p' + p", d = d' + d", where
//
//   points: p', d' come from the point, p", d" from its graph's context (0 without context)
//   edges:  p', d' come from the neighbour, p", d" from the point itself.
//
// So a graph has n sets of (p', d') and n or 1 sets of (p", d"). Channels are padded to whole vectors. A set is [3,
// width]: p in columns [0, stride), then d, in `stride` columns or, if the direction is shared, in a single vector.
template <class T>
class Layer {
 public:
  static constexpr int64_t kN = kLanes<T>;

  Layer(const VectorNeuronShape& shape, const VectorNeuronInput<T>& input)
      : shape_(shape),
        input_(input),
        edges_(shape.neighbours > 0),
        rows_of_point_(edges_ ? shape.neighbours : 1),
        second_in_(edges_ ? shape.in : shape.context),
        second_points_(edges_ ? shape.n : 1),
        stride_(RoundUp(shape.channels, kN)),
        width_(stride_ + (shape.shared_direction ? kN : stride_)),
        grain_(std::max(NumChunks(shape.graphs, kMostChunks),
                        NumChunks(kRowsAtLeast, std::max<int64_t>(1, shape.n * rows_of_point_)))) {}

  void GetMoments(const T* feature, double* moments) {
    SetWeights(feature, nullptr, false);
    const std::vector<double> sums =
        SumOverGraphs([this](int64_t begin, int64_t end, double* sums) { SumsOfGraphs(begin, end, sums); });
    const double rows = static_cast<double>(shape_.rows());
    for (int64_t c = 0; c < shape_.channels; ++c) {
      const double mean = sums[c] / std::max(1.0, rows);
      moments[c] = rows;
      moments[shape_.channels + c] = mean;
      moments[2 * shape_.channels + c] = std::max(0.0, sums[stride_ + c] - mean * sums[c]);
    }
  }

  void Forward(const VectorNeuronParameters<T>& parameters, const BatchStatistics<T>& statistics, const T* pool, T* y,
               uint8_t* choice) {
    SetWeights(parameters.feature, parameters.direction, false);
    SetNorm(parameters, statistics);
    if (edges_) {
      pool_.assign((shape_.channels + 1) * stride_, T(0));
      for (int64_t c = 0; c < shape_.channels; ++c)
        for (int64_t from = 0; from < shape_.channels; ++from)
          pool_[from * stride_ + c] = pool[c * shape_.channels + from];
    }
    ParallelFor(shape_.graphs, grain_, [&](int64_t begin, int64_t end) {
      edges_ ? EdgesForward(begin, end, y, choice) : PointsForward(begin, end, y);
    });
  }

  void GradientSums(const VectorNeuronParameters<T>& parameters, const BatchStatistics<T>& statistics,
                    const uint8_t* choice, const T* dy, double* sums, T* dweight, T* dbias) {
    SetWeights(parameters.feature, parameters.direction, false);
    SetNorm(parameters, statistics);
    const std::vector<double> padded = SumOverGraphs(
        [&](int64_t begin, int64_t end, double* sums) { GradientSumsOfGraphs(begin, end, choice, dy, sums); });
    for (int64_t c = 0; c < shape_.channels; ++c) {
      sums[c] = padded[c];
      sums[shape_.channels + c] = padded[stride_ + c];
      dbias[c] = static_cast<T>(padded[c]);
      dweight[c] = static_cast<T>(padded[stride_ + c] * std::sqrt(PrecisionOf(statistics, c)));
    }
  }

  void Backward(const VectorNeuronParameters<T>& parameters, const BatchStatistics<T>& statistics,
                const uint8_t* choice, const T* dy, const double* sums, T* dx, T* dcontext, T* dfeature,
                T* ddirection) {
    SetWeights(parameters.feature, parameters.direction, true);
    SetNorm(parameters, statistics);
    mean_db_.assign(stride_, T(0));
    slope_db_.assign(stride_, T(0));
    for (int64_t c = 0; statistics.count && c < shape_.channels; ++c) {
      mean_db_[c] = static_cast<T>(sums[c] / *statistics.count);
      slope_db_[c] = static_cast<T>(sums[shape_.channels + c] * PrecisionOf(statistics, c) / *statistics.count);
    }
    const int64_t size = (shape_.in + second_in_) * width_, chunks = NumChunks(shape_.graphs, grain_);
    Scratch<T> weights(std::max<int64_t>(1, chunks) * size);
    std::fill_n(weights.data(), std::max<int64_t>(1, chunks) * size, T(0));
    ParallelFor(shape_.graphs, grain_, [&](int64_t begin, int64_t end) {
      BackwardOfGraphs(begin, end, choice, dy, dx, dcontext, weights.data() + begin / grain_ * size);
    });
    for (int64_t chunk = 1; chunk < chunks; ++chunk)
      for (int64_t i = 0; i < size; ++i) weights.data()[i] += weights.data()[chunk * size + i];
    GetWeightGradients(weights.data(), dfeature, ddirection);
  }

 private:
  // The sets of one graph: first (p', d'), then (p", d"), each [points, 3, width].
  struct Sets {
    T *first, *second;
  };

  int64_t FirstSize() const { return shape_.n * 3 * width_; }
  int64_t SecondSize() const { return second_points_ * 3 * width_; }
  const T* First(int64_t graph) const { return input_.x + graph * shape_.n * 3 * shape_.in; }
  const T* Second(int64_t graph) const { return edges_ ? First(graph) : input_.context + graph * 3 * second_in_; }

  // The offsets of the sets (p', d') and (p", d") that row e of point i reads.
  int64_t FirstOf(int64_t graph, int64_t i, int64_t e) const {
    return (edges_ ? input_.neighbours[(graph * shape_.n + i) * rows_of_point_ + e] : i) * 3 * width_;
  }
  int64_t SecondOf(int64_t i) const { return edges_ ? i * 3 * width_ : 0; }
  int64_t DirectionColumn(int64_t v) const { return stride_ + (shape_.shared_direction ? 0 : v); }

  // The element of feature or direction, [channels, row_channels], that multiplies input channel i in p' (First) or p"
  // (Second).
  template <class W>
  static W FirstWeight(const VectorNeuronShape& shape, const W* weight, int64_t c, int64_t i) {
    return weight[c * shape.row_channels() + i];
  }
  T SecondWeight(const T* weight, int64_t c, int64_t i) const {
    const T* row = weight + c * shape_.row_channels();
    return edges_ ? row[shape_.in + i] - row[i] : row[shape_.in + i];
  }

  // Prepares the weights as right factors of x, [in, width], and if `backward` of dz, [width, in].
  void SetWeights(const T* feature, const T* direction, bool backward) {
    const int64_t c_end = shape_.channels;
    first_weights_.assign((shape_.in + 1) * width_ + kN, T(0));
    second_weights_.assign((second_in_ + 1) * width_ + kN, T(0));
    const auto set = [&](const T* weight, int64_t c, int64_t column) {
      const int64_t in = shape_.row_channels();
      for (int64_t i = 0; i < shape_.in; ++i) first_weights_[i * width_ + column] = weight[c * in + i];
      for (int64_t i = 0; i < second_in_; ++i)
        second_weights_[i * width_ + column] = weight[c * in + shape_.in + i] - (edges_ ? weight[c * in + i] : T(0));
    };
    for (int64_t c = 0; c < c_end; ++c) set(feature, c, c);
    for (int64_t c = 0; direction && c < (shape_.shared_direction ? kN : c_end); ++c)
      set(direction, shape_.shared_direction ? 0 : c, stride_ + c);
    if (!backward) return;
    const auto transpose = [&](const std::vector<T>& weights, int64_t in, std::vector<T>& transposed) {
      transposed.assign(width_ * in + 2 * kN, T(0));
      for (int64_t i = 0; i < in; ++i)
        for (int64_t column = 0; column < width_; ++column) transposed[column * in + i] = weights[i * width_ + column];
    };
    transpose(first_weights_, shape_.in, first_transposed_);
    transpose(second_weights_, second_in_, second_transposed_);
  }

  // The gradients of feature and direction from those of the right factors, [in + second_in, width].
  void GetWeightGradients(const T* weights, T* dfeature, T* ddirection) const {
    const T *first = weights, *second = weights + shape_.in * width_;
    const auto get = [&](int64_t column, T* row) {
      for (int64_t i = 0; i < second_in_; ++i) row[shape_.in + i] += second[i * width_ + column];
      for (int64_t i = 0; i < shape_.in; ++i)
        row[i] += first[i * width_ + column] - (edges_ ? second[i * width_ + column] : T(0));
    };
    const int64_t in = shape_.row_channels(), c_end = shape_.channels;
    std::fill_n(dfeature, c_end * in, T(0));
    std::fill_n(ddirection, (shape_.shared_direction ? 1 : c_end) * in, T(0));
    for (int64_t c = 0; c < c_end; ++c) get(c, dfeature + c * in);
    for (int64_t c = 0; c < (shape_.shared_direction ? kN : c_end); ++c)
      get(stride_ + c, ddirection + (shape_.shared_direction ? 0 : c) * in);
  }

  static double PrecisionOf(const BatchStatistics<T>& statistics, int64_t c) {
    return 1 / (static_cast<double>(statistics.variance[c]) + static_cast<double>(statistics.eps));
  }

  void SetNorm(const VectorNeuronParameters<T>& parameters, const BatchStatistics<T>& statistics) {
    for (std::vector<T>* array : {&scale_, &mean_, &bias_}) array->assign(stride_, T(0));
    for (int64_t c = 0; c < shape_.channels; ++c) {
      scale_[c] = parameters.weight[c] / std::sqrt(statistics.variance[c] + statistics.eps);
      mean_[c] = statistics.mean[c];
      bias_[c] = parameters.bias[c];
    }
  }

  // f(begin, end, sums) computes two sums per channel, [2, stride], for a chunk of graphs. The chunks' sums are added
  // in order.
  template <class F>
  std::vector<double> SumOverGraphs(F&& f) const {
    const int64_t size = 2 * stride_;
    std::vector<double> partial(NumChunks(shape_.graphs, grain_) * size), sums(size, 0.0);
    ParallelFor(shape_.graphs, grain_,
                [&](int64_t begin, int64_t end) { f(begin, end, partial.data() + begin / grain_ * size); });
    for (size_t i = 0; i < partial.size(); ++i) sums[i % size] += partial[i];
    return sums;
  }

  void Multiply3(const T* x, int64_t points, int64_t in, const std::vector<T>& weights, int64_t columns, T* z) const {
    Multiply<false>(Product<T>{.m = points * 3,
                               .n = columns,
                               .k = in,
                               .a = x,
                               .a_stride = in,
                               .b = weights.data(),
                               .b_stride = width_,
                               .c = z,
                               .c_stride = width_});
  }

  // Computes the first `columns` columns of a graph's sets.
  void SetsOf(int64_t graph, int64_t columns, const Sets& sets) const {
    Multiply3(First(graph), shape_.n, shape_.in, first_weights_, columns, sets.first);
    if (second_in_ > 0)
      Multiply3(Second(graph), second_points_, second_in_, second_weights_, columns, sets.second);
    else
      std::fill_n(sets.second, SecondSize(), T(0));
  }

  Affine<T> AffineAt(int64_t v) const {
    const Tag<T> d;
    return {hn::LoadU(d, scale_.data() + v), hn::LoadU(d, mean_.data() + v), hn::LoadU(d, bias_.data() + v)};
  }

  HWY_NOINLINE void SumsOfGraphs(int64_t begin, int64_t end, double* sums) const {
    const Tag<T> tag;
    Scratch<T> memory(FirstSize() + SecondSize() + 2 * stride_);
    const Sets sets = {memory.data(), memory.data() + FirstSize()};
    T* of_graph = sets.second + SecondSize();
    std::fill_n(sums, 2 * stride_, 0.0);
    for (int64_t graph = begin; graph < end; ++graph) {
      SetsOf(graph, stride_, sets);
      for (int64_t v = 0; v < stride_; v += kN) {
        Vector<T> sum = hn::Zero(tag), squares = hn::Zero(tag);
        for (int64_t i = 0; i < shape_.n; ++i) {
          const Spatial<T> own = LoadSpatial(sets.second + SecondOf(i) + v, width_);
          for (int64_t e = 0; e < rows_of_point_; ++e) {
            const Spatial<T> p = Sum<T>(LoadSpatial(sets.first + FirstOf(graph, i, e) + v, width_), own);
            const Vector<T> m = WithEps<T>(Length<T>(p));
            sum = hn::Add(sum, m);
            squares = hn::MulAdd(m, m, squares);
          }
        }
        hn::StoreU(sum, tag, of_graph + v);
        hn::StoreU(squares, tag, of_graph + stride_ + v);
      }
      for (int64_t c = 0; c < 2 * stride_; ++c) sums[c] += static_cast<double>(of_graph[c]);
    }
  }

  HWY_NOINLINE void PointsForward(int64_t begin, int64_t end, T* y) const {
    Scratch<T> memory(FirstSize() + SecondSize() + 3 * stride_);
    const Sets sets = {memory.data(), memory.data() + FirstSize()};
    T* row = sets.second + SecondSize();
    for (int64_t graph = begin; graph < end; ++graph) {
      SetsOf(graph, width_, sets);
      for (int64_t i = 0; i < shape_.n; ++i) {
        const T *first = sets.first + i * 3 * width_, *second = sets.second;
        for (int64_t v = 0; v < stride_; v += kN) {
          const int64_t d = DirectionColumn(v);
          StoreSpatial(
              Activate<T>(Sum<T>(LoadSpatial(first + v, width_), LoadSpatial(second + v, width_)),
                          Sum<T>(LoadSpatial(first + d, width_), LoadSpatial(second + d, width_)), AffineAt(v)),
              row + v, stride_);
        }
        StoreRow(row, y + (graph * shape_.n + i) * 3 * shape_.channels);
      }
    }
  }

  HWY_NOINLINE void EdgesForward(int64_t begin, int64_t end, T* y, uint8_t* choice) const {
    const int64_t k = rows_of_point_, points = std::max<int64_t>(1, kPoolRows / k), block = points * k * 3 * stride_;
    Scratch<T> memory(FirstSize() + SecondSize() + 2 * block + 4 * stride_);
    const Sets sets = {memory.data(), memory.data() + FirstSize()};
    T *edges = sets.second + SecondSize(), *directions = edges + block, *row = directions + block;
    for (int64_t graph = begin; graph < end; ++graph) {
      SetsOf(graph, width_, sets);
      for (int64_t first = 0; first < shape_.n; first += points) {
        const int64_t count = std::min(points, shape_.n - first);
        ActivateEdges(graph, first, count, sets, edges);
        Multiply<false>(Product<T>{.m = count * k * 3,
                                   .n = stride_,
                                   .k = shape_.channels,
                                   .a = edges,
                                   .a_stride = stride_,
                                   .b = pool_.data(),
                                   .b_stride = stride_,
                                   .c = directions,
                                   .c_stride = stride_});
        for (int64_t i = 0; i < count; ++i) {
          const int64_t offset = i * k * 3 * stride_, point = graph * shape_.n + first + i;
          KeepFarthest(k, edges + offset, directions + offset, row);
          StoreRow(row, y + point * 3 * shape_.channels);
          for (int64_t c = 0; c < shape_.channels; ++c)
            choice[point * shape_.channels + c] = static_cast<uint8_t>(row[3 * stride_ + c]);
        }
      }
    }
  }

  // Computes the activations [count, k, 3, stride] of the edges of points [first, first + count).
  void ActivateEdges(int64_t graph, int64_t first, int64_t count, const Sets& sets, T* edges) const {
    const int64_t k = rows_of_point_;
    for (int64_t v = 0; v < stride_; v += kN) {
      const Affine<T> norm = AffineAt(v);
      const int64_t d = DirectionColumn(v);
      for (int64_t i = 0; i < count; ++i) {
        const T* second = sets.second + SecondOf(first + i);
        const Spatial<T> own_p = LoadSpatial(second + v, width_), own_d = LoadSpatial(second + d, width_);
        for (int64_t e = 0; e < k; ++e) {
          const T* other = sets.first + FirstOf(graph, first + i, e);
          StoreSpatial(Activate<T>(Sum<T>(LoadSpatial(other + v, width_), own_p),
                                   Sum<T>(LoadSpatial(other + d, width_), own_d), norm),
                       edges + (i * k + e) * 3 * stride_ + v, stride_);
        }
      }
    }
  }

  // Max pooling: of the k candidates the one farthest along its direction, [3, stride], then its index, [stride].
  // candidates, directions: [k, 3, stride].
  void KeepFarthest(int64_t k, const T* candidates, const T* directions, T* farthest) const {
    const Tag<T> tag;
    for (int64_t v = 0; v < stride_; v += kN) {
      Spatial<T> best = LoadSpatial(candidates + v, stride_);
      Vector<T> reach = Dot<T>(best, LoadSpatial(directions + v, stride_)), place = hn::Zero(tag);
      for (int64_t e = 1; e < k; ++e) {
        const Spatial<T> candidate = LoadSpatial(candidates + e * 3 * stride_ + v, stride_);
        const Vector<T> its_reach = Dot<T>(candidate, LoadSpatial(directions + e * 3 * stride_ + v, stride_));
        const auto is_farther = hn::Gt(its_reach, reach);
        reach = hn::IfThenElse(is_farther, its_reach, reach);
        place = hn::IfThenElse(is_farther, hn::Set(tag, static_cast<T>(e)), place);
        best = Select(is_farther, candidate, best);
      }
      StoreSpatial(best, farthest + v, stride_);
      hn::StoreU(place, tag, farthest + 3 * stride_ + v);
    }
  }

  // The output gradient of a point and, for edges, which edge the pooling chose.
  struct PointGradient {
    const T* dy;      // [3, stride]
    const T* choice;  // [stride]
  };

  // Loads a point's dy [3, stride] and choice [stride], padded with zeros.
  void LoadPoint(int64_t point, const uint8_t* choice, const T* dy, T* row) const {
    const int64_t channels = shape_.channels;
    for (int64_t x = 0; x < 3; ++x) CopyRow(dy + (point * 3 + x) * channels, channels, row + x * stride_);
    for (int64_t c = 0; edges_ && c < channels; ++c)
      row[3 * stride_ + c] = static_cast<T>(choice[point * channels + c]);
  }

  // The gradients for the channels at v of point i; for edges, of the edge that the pooling chose.
  HWY_INLINE ActivationGradient<T> GradientOfPoint(int64_t graph, int64_t i, int64_t v, const Sets& sets,
                                                   const T* row) const {
    const Tag<T> tag;
    const int64_t column = DirectionColumn(v);
    const T* other = sets.first + FirstOf(graph, i, 0);
    Spatial<T> p = LoadSpatial(other + v, width_), d = LoadSpatial(other + column, width_);
    if (edges_) {
      const Vector<T> choice = hn::LoadU(tag, row + 3 * stride_ + v);
      for (int64_t e = 1; e < rows_of_point_; ++e) {
        const auto is_chosen = hn::Eq(choice, hn::Set(tag, static_cast<T>(e)));
        other = sets.first + FirstOf(graph, i, e);
        p = Select(is_chosen, LoadSpatial(other + v, width_), p);
        d = Select(is_chosen, LoadSpatial(other + column, width_), d);
      }
    }
    const T* own = sets.second + SecondOf(i);
    return ActivateBackward<T>(Sum<T>(p, LoadSpatial(own + v, width_)), Sum<T>(d, LoadSpatial(own + column, width_)),
                               AffineAt(v), LoadSpatial(row + v, stride_));
  }

  // Sums, per channel, the gradient of b = BatchNorm(m) and that gradient times (m - mean).
  HWY_NOINLINE void GradientSumsOfGraphs(int64_t begin, int64_t end, const uint8_t* choice, const T* dy,
                                         double* sums) const {
    const Tag<T> tag;
    Scratch<T> memory(FirstSize() + SecondSize() + 6 * stride_);
    const Sets sets = {memory.data(), memory.data() + FirstSize()};
    T *row = sets.second + SecondSize(), *of_graph = row + 4 * stride_;
    std::fill_n(row, 4 * stride_, T(0));
    std::fill_n(sums, 2 * stride_, 0.0);
    for (int64_t graph = begin; graph < end; ++graph) {
      SetsOf(graph, width_, sets);
      std::fill_n(of_graph, 2 * stride_, T(0));
      for (int64_t i = 0; i < shape_.n; ++i) {
        LoadPoint(graph * shape_.n + i, choice, dy, row);
        for (int64_t v = 0; v < stride_; v += kN) {
          const ActivationGradient<T> gradient = GradientOfPoint(graph, i, v, sets, row);
          const Vector<T> deviation = hn::Sub(gradient.m, hn::LoadU(tag, mean_.data() + v));
          T *sum = of_graph + v, *product = sum + stride_;
          hn::StoreU(hn::Add(hn::LoadU(tag, sum), gradient.db), tag, sum);
          hn::StoreU(hn::MulAdd(gradient.db, deviation, hn::LoadU(tag, product)), tag, product);
        }
      }
      for (int64_t c = 0; c < 2 * stride_; ++c) sums[c] += static_cast<double>(of_graph[c]);
    }
  }

  HWY_NOINLINE void BackwardOfGraphs(int64_t begin, int64_t end, const uint8_t* choice, const T* dy, T* dx, T* dcontext,
                                     T* weights) const {
    const int64_t size = FirstSize() + SecondSize();
    Scratch<T> memory(2 * size + 4 * stride_);
    const Sets sets = {memory.data(), memory.data() + FirstSize()};
    const Sets gradients = {memory.data() + size, memory.data() + size + FirstSize()};
    T* row = memory.data() + 2 * size;
    std::fill_n(row, 4 * stride_, T(0));
    for (int64_t graph = begin; graph < end; ++graph) {
      SetsOf(graph, width_, sets);
      std::fill_n(gradients.first, size, T(0));
      for (int64_t i = 0; i < shape_.n; ++i) {
        LoadPoint(graph * shape_.n + i, choice, dy, row);
        for (int64_t v = 0; v < stride_; v += kN) BackwardOfPoint(graph, i, v, sets, row, gradients);
      }
      AddWeightGradient(First(graph), shape_.n, shape_.in, gradients.first, weights);
      T* to = dx ? dx + graph * shape_.n * 3 * shape_.in : nullptr;
      if (dx) MultiplyBack(gradients.first, shape_.n, shape_.in, first_transposed_, nullptr, to);
      if (second_in_ == 0) continue;
      AddWeightGradient(Second(graph), second_points_, second_in_, gradients.second, weights + shape_.in * width_);
      if (edges_ && dx)
        MultiplyBack(gradients.second, shape_.n, shape_.in, second_transposed_, to, to);
      else if (!edges_ && dcontext)
        MultiplyBack(gradients.second, 1, second_in_, second_transposed_, nullptr, dcontext + graph * 3 * second_in_);
    }
  }

  // Adds the gradients for the channels at v of all rows of point i to the sets that these rows read.
  HWY_INLINE void BackwardOfPoint(int64_t graph, int64_t i, int64_t v, const Sets& sets, const T* row,
                                  const Sets& gradients) const {
    const Tag<T> tag;
    const ActivationGradient<T> gradient = GradientOfPoint(graph, i, v, sets, row);
    const int64_t own = SecondOf(i), column = DirectionColumn(v);
    const Spatial<T> own_p = LoadSpatial(sets.second + own + v, width_);
    const Vector<T> choice = hn::LoadU(tag, row + 3 * stride_ + v);
    const Vector<T> scale = hn::LoadU(tag, scale_.data() + v), mean = hn::LoadU(tag, mean_.data() + v);
    const Vector<T> mean_db = hn::LoadU(tag, mean_db_.data() + v), slope_db = hn::LoadU(tag, slope_db_.data() + v);
    Spatial<T> own_dp = LoadSpatial(gradients.second + own + v, width_);
    for (int64_t e = 0; e < rows_of_point_; ++e) {
      const int64_t other = FirstOf(graph, i, e);
      // The mean and the variance pass a gradient to every row.
      const Spatial<T> p = Sum<T>(LoadSpatial(sets.first + other + v, width_), own_p);
      const Vector<T> length = Length<T>(p);
      const Vector<T> of_norm = hn::MulAdd(hn::Sub(WithEps<T>(length), mean), slope_db, mean_db);
      const Vector<T> radial = hn::Mul(hn::Neg(hn::Mul(scale, of_norm)), Inverse<T>(length));
      const auto is_chosen = hn::Eq(choice, hn::Set(tag, static_cast<T>(e)));
      const Spatial<T> dp = TimesPlus(p, radial, SelectOrZero(is_chosen, gradient.dp));
      T* other_gradient = gradients.first + other;
      StoreSpatial(Sum<T>(LoadSpatial(other_gradient + v, width_), dp), other_gradient + v, width_);
      StoreSpatial(Sum<T>(LoadSpatial(other_gradient + column, width_), SelectOrZero(is_chosen, gradient.dd)),
                   other_gradient + column, width_);
      own_dp = Sum<T>(own_dp, dp);
    }
    StoreSpatial(own_dp, gradients.second + own + v, width_);
    StoreSpatial(Sum<T>(LoadSpatial(gradients.second + own + column, width_), gradient.dd),
                 gradients.second + own + column, width_);
  }

  // weights [in, width] += x^T dz.
  void AddWeightGradient(const T* x, int64_t points, int64_t in, const T* dz, T* weights) const {
    Multiply<true>(Product<T>{.m = in,
                              .n = width_,
                              .k = points * 3,
                              .a = x,
                              .a_stride = in,
                              .b = dz,
                              .b_stride = width_,
                              .c = weights,
                              .c_stride = width_,
                              .start = weights,
                              .start_stride = width_});
  }

  // dx = dz weights + start.
  void MultiplyBack(const T* dz, int64_t points, int64_t in, const std::vector<T>& transposed, const T* start,
                    T* dx) const {
    Multiply<false>(Product<T>{.m = points * 3,
                               .n = in,
                               .k = width_,
                               .a = dz,
                               .a_stride = width_,
                               .b = transposed.data(),
                               .b_stride = in,
                               .c = dx,
                               .c_stride = in,
                               .start = start,
                               .start_stride = in});
  }

  void StoreRow(const T* row, T* y) const {
    for (int64_t x = 0; x < 3; ++x) CopyRow(row + x * stride_, shape_.channels, y + x * shape_.channels);
  }

  const VectorNeuronShape shape_;
  const VectorNeuronInput<T> input_;
  const bool edges_;
  const int64_t rows_of_point_;
  const int64_t second_in_, second_points_;  // input channels and points of (p", d")
  const int64_t stride_, width_;
  const int64_t grain_;  // graphs per chunk
  std::vector<T> first_weights_, second_weights_, first_transposed_, second_transposed_, pool_;
  std::vector<T> scale_, mean_, bias_, mean_db_, slope_db_;  // [stride]
};

template <class T>
void LengthMoments(const VectorNeuronShape& shape, const T* feature, const VectorNeuronInput<T>& input,
                   double* moments) {
  Layer<T>(shape, input).GetMoments(feature, moments);
}

template <class T>
void Forward(const VectorNeuronShape& shape, const VectorNeuronParameters<T>& parameters,
             const BatchStatistics<T>& statistics, const T* pool, const VectorNeuronInput<T>& input, T* y,
             uint8_t* choice) {
  Layer<T>(shape, input).Forward(parameters, statistics, pool, y, choice);
}

template <class T>
void GradientSums(const VectorNeuronShape& shape, const VectorNeuronParameters<T>& parameters,
                  const BatchStatistics<T>& statistics, const VectorNeuronInput<T>& input, const uint8_t* choice,
                  const T* dy, double* sums, T* dweight, T* dbias) {
  Layer<T>(shape, input).GradientSums(parameters, statistics, choice, dy, sums, dweight, dbias);
}

template <class T>
void Backward(const VectorNeuronShape& shape, const VectorNeuronParameters<T>& parameters,
              const BatchStatistics<T>& statistics, const VectorNeuronInput<T>& input, const uint8_t* choice,
              const T* dy, const double* sums, T* dx, T* dcontext, T* dfeature, T* ddirection) {
  Layer<T>(shape, input).Backward(parameters, statistics, choice, dy, sums, dx, dcontext, dfeature, ddirection);
}

}  // namespace

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

ORBIT_EXPORT(LengthMoments)
ORBIT_EXPORT(Forward)
ORBIT_EXPORT(GradientSums)
ORBIT_EXPORT(Backward)

}  // namespace

template <class Device, class T>
void VectorNeuronMoments(Device, const VectorNeuronShape& shape, const T* feature, const VectorNeuronInput<T>& input,
                         double* moments) {
  LengthMoments<T>(shape, feature, input, moments);
}

template <class Device, class T>
void VectorNeuronForward(Device, const VectorNeuronShape& shape, const VectorNeuronParameters<T>& parameters,
                         const BatchStatistics<T>& statistics, const T* pool, const VectorNeuronInput<T>& input, T* y,
                         uint8_t* choice) {
  Forward<T>(shape, parameters, statistics, pool, input, y, choice);
}

template <class Device, class T>
void VectorNeuronGradientSums(Device, const VectorNeuronShape& shape, const VectorNeuronParameters<T>& parameters,
                              const BatchStatistics<T>& statistics, const VectorNeuronInput<T>& input,
                              const uint8_t* choice, const T* dy, double* sums, T* dweight, T* dbias) {
  GradientSums<T>(shape, parameters, statistics, input, choice, dy, sums, dweight, dbias);
}

template <class Device, class T>
void VectorNeuronBackward(Device, const VectorNeuronShape& shape, const VectorNeuronParameters<T>& parameters,
                          const BatchStatistics<T>& statistics, const VectorNeuronInput<T>& input,
                          const uint8_t* choice, const T* dy, const double* sums, T* dx, T* dcontext, T* dfeature,
                          T* ddirection) {
  Backward<T>(shape, parameters, statistics, input, choice, dy, sums, dx, dcontext, dfeature, ddirection);
}

#define ORBIT_INSTANTIATE(T)                                                                                           \
  template void VectorNeuronMoments(Cpu, const VectorNeuronShape&, const T*, const VectorNeuronInput<T>&, double*);    \
  template void VectorNeuronForward(Cpu, const VectorNeuronShape&, const VectorNeuronParameters<T>&,                   \
                                    const BatchStatistics<T>&, const T*, const VectorNeuronInput<T>&, T*, uint8_t*);   \
  template void VectorNeuronGradientSums(Cpu, const VectorNeuronShape&, const VectorNeuronParameters<T>&,              \
                                         const BatchStatistics<T>&, const VectorNeuronInput<T>&, const uint8_t*,       \
                                         const T*, double*, T*, T*);                                                   \
  template void VectorNeuronBackward(Cpu, const VectorNeuronShape&, const VectorNeuronParameters<T>&,                  \
                                     const BatchStatistics<T>&, const VectorNeuronInput<T>&, const uint8_t*, const T*, \
                                     const double*, T*, T*, T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
