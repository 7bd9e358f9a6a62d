// What the forward and the backward of kernels/vector_neurons.h compute alike.
#if defined(ORBIT_KERNELS_CPU_VECTOR_NEURON_SETS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORBIT_KERNELS_CPU_VECTOR_NEURON_SETS_INL_H_
#undef ORBIT_KERNELS_CPU_VECTOR_NEURON_SETS_INL_H_
#else
#define ORBIT_KERNELS_CPU_VECTOR_NEURON_SETS_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/small_matmul-inl.h"
#include "kernels/cpu/vector_neurons-inl.h"
#include "kernels/parallel.h"
#include "kernels/vector_neurons.h"

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {

// Every row adds the vectors of two points: p = p' + p", d = d' + d", where
//
//   points: p', d' come from the point, p", d" from its graph's context (0 without context)
//   edges:  p', d' come from the neighbour, p", d" from the point itself.
//
// So a graph has n sets of (p', d') and n or 1 sets of (p", d"). Channels are padded to whole vectors. A set is [3,
// width]: p in columns [0, stride), then d, in `stride` columns or, if the direction is shared, in a single vector.
template <class T>
class VectorNeuronSets {
 public:
  VectorNeuronSets(const VectorNeuronShape& shape, const VectorNeuronInput<T>& input)
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

 protected:
  static constexpr int64_t kN = kLanes<T>;
  static constexpr int64_t kMostChunks = 32;    // partial sums of the statistics and gradients
  static constexpr int64_t kRowsAtLeast = 256;  // per chunk

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

  // Prepares the weights as right factors of x, [in, width].
  void SetWeights(const T* feature, const T* direction) {
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

  const VectorNeuronShape shape_;
  const VectorNeuronInput<T> input_;
  const bool edges_;
  const int64_t rows_of_point_;
  const int64_t second_in_, second_points_;  // input channels and points of (p", d")
  const int64_t stride_, width_;
  const int64_t grain_;                            // graphs per chunk
  std::vector<T> first_weights_, second_weights_;  // right factors, [in + 1, width] and [second_in + 1, width]
  std::vector<T> scale_, mean_, bias_;             // of the batch norm, [stride]
};

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
