#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"
#include "kernels/parallel.h"
#include "kernels/vector_neurons.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/vector_neurons_backward.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vector_neuron_sets-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

// The gradient sums of the batch norm, and the backward.
template <class T>
class LayerBackward : VectorNeuronSets<T> {
  using Base = VectorNeuronSets<T>;
  using Base::edges_, Base::kN, Base::rows_of_point_, Base::scale_, Base::mean_, Base::second_in_, Base::second_points_,
      Base::shape_, Base::stride_, Base::width_, Base::grain_, Base::first_weights_, Base::second_weights_,
      Base::SetWeights, Base::SetNorm, Base::SumOverGraphs, Base::FirstSize, Base::SecondSize, Base::First,
      Base::Second, Base::FirstOf, Base::SecondOf, Base::DirectionColumn, Base::SetsOf, Base::AffineAt,
      Base::PrecisionOf;
  using typename Base::Sets;

 public:
  using Base::Base;

  void GradientSums(const VectorNeuronParameters<T>& parameters, const BatchStatistics<T>& statistics,
                    const uint8_t* choice, const T* dy, double* sums, T* dweight, T* dbias) {
    SetWeights(parameters.feature, parameters.direction);
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
    SetWeights(parameters.feature, parameters.direction);
    first_transposed_ = Transposed(first_weights_, shape_.in);
    second_transposed_ = Transposed(second_weights_, second_in_);
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
  // Right factors of dz, [width, in], from those of x, [in, width].
  std::vector<T> Transposed(const std::vector<T>& weights, int64_t in) const {
    std::vector<T> transposed(width_ * in + 2 * kN, T(0));
    for (int64_t i = 0; i < in; ++i)
      for (int64_t column = 0; column < width_; ++column) transposed[column * in + i] = weights[i * width_ + column];
    return transposed;
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

  std::vector<T> first_transposed_, second_transposed_;
  std::vector<T> mean_db_, slope_db_;  // [stride]
};

template <class T>
void GradientSums(const VectorNeuronShape& shape, const VectorNeuronParameters<T>& parameters,
                  const BatchStatistics<T>& statistics, const VectorNeuronInput<T>& input, const uint8_t* choice,
                  const T* dy, double* sums, T* dweight, T* dbias) {
  LayerBackward<T>(shape, input).GradientSums(parameters, statistics, choice, dy, sums, dweight, dbias);
}

template <class T>
void Backward(const VectorNeuronShape& shape, const VectorNeuronParameters<T>& parameters,
              const BatchStatistics<T>& statistics, const VectorNeuronInput<T>& input, const uint8_t* choice,
              const T* dy, const double* sums, T* dx, T* dcontext, T* dfeature, T* ddirection) {
  LayerBackward<T>(shape, input).Backward(parameters, statistics, choice, dy, sums, dx, dcontext, dfeature, ddirection);
}

}  // namespace
}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

ORBIT_EXPORT(GradientSums)
ORBIT_EXPORT(Backward)

}  // namespace

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
