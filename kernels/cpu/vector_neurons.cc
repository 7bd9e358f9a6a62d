#include "kernels/vector_neurons.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"
#include "kernels/parallel.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/vector_neurons.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vector_neuron_sets-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

constexpr int64_t kPoolRows = 20;  // multiplied by `pool` together

// The moments of lengths, and the forward.
template <class T>
class Layer : VectorNeuronSets<T> {
  using Base = VectorNeuronSets<T>;
  using Base::edges_, Base::kN, Base::rows_of_point_, Base::shape_, Base::stride_, Base::width_, Base::grain_,
      Base::SetWeights, Base::SetNorm, Base::SumOverGraphs, Base::FirstSize, Base::SecondSize, Base::FirstOf,
      Base::SecondOf, Base::DirectionColumn, Base::SetsOf, Base::AffineAt;
  using typename Base::Sets;

 public:
  using Base::Base;

  void GetMoments(const T* feature, double* moments) {
    SetWeights(feature, nullptr);
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
    SetWeights(parameters.feature, parameters.direction);
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

 private:
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

  void StoreRow(const T* row, T* y) const {
    for (int64_t x = 0; x < 3; ++x) CopyRow(row + x * stride_, shape_.channels, y + x * shape_.channels);
  }

  std::vector<T> pool_;  // a right factor, [channels + 1, stride]
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

}  // namespace
}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

ORBIT_EXPORT(LengthMoments)
ORBIT_EXPORT(Forward)

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

#define ORBIT_INSTANTIATE(T)                                                                                        \
  template void VectorNeuronMoments(Cpu, const VectorNeuronShape&, const T*, const VectorNeuronInput<T>&, double*); \
  template void VectorNeuronForward(Cpu, const VectorNeuronShape&, const VectorNeuronParameters<T>&,                \
                                    const BatchStatistics<T>&, const T*, const VectorNeuronInput<T>&, T*, uint8_t*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
