#include "kernels/vector_neurons.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/vector_neurons.cc"
#include "kernels/cpu/targets.h"
//
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#ifndef ORBIT_KERNELS_CPU_VECTOR_NEURONS_CC_
#define ORBIT_KERNELS_CPU_VECTOR_NEURONS_CC_
namespace orbit::kernels {

// What all passes over the rows of a layer read.
template <class T>
struct VectorNeuronLayer {
  VectorNeuronShape shape;
  const int32_t* neighbours;
  const T* z;
  const T* weight;
  const T* bias;
  const T* mean;
  const T* variance;
  T eps;
};

inline constexpr double kNormEps = 1e-6;
inline constexpr double kSlope = 0.2;

}  // namespace orbit::kernels
#endif  // ORBIT_KERNELS_CPU_VECTOR_NEURONS_CC_

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {

// Rows of 3 x `stride` numbers, the channels padded to whole vectors: loops over them need no tail. The compiler
// vectorises them for the target.
template <class T>
class RowScratch {
 public:
  explicit RowScratch(int64_t channels)
      : stride_((channels + 15) / 16 * 16), memory_(static_cast<size_t>(stride_) * 20, T(0)) {
    for (T* array : {m(), scale()}) std::fill_n(array, stride_, T(1));
  }

  int64_t stride() const { return stride_; }
  T* p() { return At(0); }
  T* d() { return At(3); }
  T* dp() { return At(6); }
  T* dd() { return At(9); }
  T* dy() { return At(12); }
  T* m() { return At(15); }      // |p| + eps
  T* scale() { return At(16); }  // weight / deviation, of BatchNorm
  T* shift() { return At(17); }  // BatchNorm(m) = scale m + shift
  T* a() { return At(18); }      // of the caller
  T* b() { return At(19); }

 private:
  T* At(int64_t i) { return memory_.data() + i * stride_; }

  int64_t stride_;
  std::vector<T> memory_;
};

// The points that row r reads.
struct RowPoints {
  int64_t own, other;
};
HWY_INLINE RowPoints PointsOf(const VectorNeuronShape& shape, const int32_t* neighbours, int64_t row) {
  if (shape.k == 0) return {row, row};
  const int64_t own = row / shape.k;
  return {own, own / shape.n * shape.n + neighbours[row]};
}

// p and, where wanted, d of a row.
template <class T>
HWY_INLINE void LoadRow(const VectorNeuronLayer<T>& layer, int64_t row, bool with_direction, RowScratch<T>& s) {
  const VectorNeuronShape& shape = layer.shape;
  const int64_t c_end = shape.channels, width = shape.z_channels();
  const RowPoints points = PointsOf(shape, layer.neighbours, row);
  for (int64_t x = 0; x < 3; ++x) {
    const T* HWY_RESTRICT own = layer.z + (points.own * 3 + x) * width;
    T* HWY_RESTRICT p = s.p() + x * s.stride();
    T* HWY_RESTRICT d = s.d() + x * s.stride();
    if (shape.k > 0) {
      const T* HWY_RESTRICT other = layer.z + (points.other * 3 + x) * width;
      for (int64_t c = 0; c < c_end; ++c) p[c] = other[c] + own[c_end + c];
      if (with_direction)
        for (int64_t c = 0; c < c_end; ++c) d[c] = other[2 * c_end + c] + own[3 * c_end + c];
    } else {
      for (int64_t c = 0; c < c_end; ++c) p[c] = own[c];
      if (with_direction && shape.shared_direction)
        for (int64_t c = 0; c < c_end; ++c) d[c] = own[c_end];
      else if (with_direction)
        for (int64_t c = 0; c < c_end; ++c) d[c] = own[c_end + c];
    }
  }
}

template <class T>
HWY_INLINE void Norms(RowScratch<T>& s) {
  const int64_t n = s.stride();
  const T *HWY_RESTRICT p0 = s.p(), *HWY_RESTRICT p1 = p0 + n, *HWY_RESTRICT p2 = p1 + n;
  T* HWY_RESTRICT m = s.m();
  for (int64_t c = 0; c < n; ++c) m[c] = std::sqrt(p0[c] * p0[c] + p1[c] * p1[c] + p2[c] * p2[c]) + T(kNormEps);
}

template <class T>
HWY_INLINE void SetBatchNorm(const VectorNeuronLayer<T>& layer, RowScratch<T>& s) {
  for (int64_t c = 0; c < layer.shape.channels; ++c) {
    s.scale()[c] = layer.weight[c] / std::sqrt(layer.variance[c] + layer.eps);
    s.shift()[c] = layer.bias[c] - layer.mean[c] * s.scale()[c];
  }
}

// Sums of m and of its square over rows [begin, end).
template <class T>
HWY_INLINE void StatisticsOfRows(const VectorNeuronLayer<T>& layer, int64_t begin, int64_t end, double* sums) {
  RowScratch<T> s(layer.shape.channels);
  const int64_t channels = layer.shape.channels;
  std::fill_n(sums, 2 * channels, 0.0);
  for (int64_t row = begin; row < end; ++row) {
    LoadRow(layer, row, false, s);
    Norms(s);
    for (int64_t c = 0; c < channels; ++c) {
      const double m = static_cast<double>(s.m()[c]);
      sums[c] += m;
      sums[channels + c] += m * m;
    }
  }
}

template <class T>
HWY_INLINE void ForwardOfRows(const VectorNeuronLayer<T>& layer, int64_t begin, int64_t end, T* y) {
  const int64_t channels = layer.shape.channels;
  RowScratch<T> s(channels);
  SetBatchNorm(layer, s);
  const int64_t n = s.stride();
  for (int64_t row = begin; row < end; ++row) {
    LoadRow(layer, row, true, s);
    Norms(s);
    const T *HWY_RESTRICT p0 = s.p(), *HWY_RESTRICT p1 = p0 + n, *HWY_RESTRICT p2 = p1 + n;
    const T *HWY_RESTRICT d0 = s.d(), *HWY_RESTRICT d1 = d0 + n, *HWY_RESTRICT d2 = d1 + n;
    const T *HWY_RESTRICT m = s.m(), *HWY_RESTRICT scale = s.scale(), *HWY_RESTRICT shift = s.shift();
    T *HWY_RESTRICT out0 = s.dp(), *HWY_RESTRICT out1 = out0 + n, *HWY_RESTRICT out2 = out1 + n;
    for (int64_t c = 0; c < n; ++c) {
      const T ratio = (scale[c] * m[c] + shift[c]) / m[c];
      const T q0 = p0[c] * ratio, q1 = p1[c] * ratio, q2 = p2[c] * ratio;
      const T dot = q0 * d0[c] + q1 * d1[c] + q2 * d2[c];
      const T square = d0[c] * d0[c] + d1[c] * d1[c] + d2[c] * d2[c] + T(kNormEps);
      const T along = T(1 - kSlope) * (dot < T(0) ? dot : T(0)) / square;
      out0[c] = q0 - along * d0[c];
      out1[c] = q1 - along * d1[c];
      out2[c] = q2 - along * d2[c];
    }
    for (int64_t x = 0; x < 3; ++x) std::copy_n(s.dp() + x * n, channels, y + (row * 3 + x) * channels);
  }
}

// dq (in s.dp) and, where wanted, dd of a row whose p, d and m are loaded, and a = the gradient of BatchNorm's result
// times m, summed over coordinates: dq . p.
template <class T>
HWY_INLINE void ActivationGradient(const T* dy, int64_t channels, bool with_direction, RowScratch<T>& s) {
  const int64_t n = s.stride();
  for (int64_t x = 0; x < 3; ++x) std::copy_n(dy + x * channels, channels, s.dy() + x * n);
  const T *HWY_RESTRICT p0 = s.p(), *HWY_RESTRICT p1 = p0 + n, *HWY_RESTRICT p2 = p1 + n;
  const T *HWY_RESTRICT d0 = s.d(), *HWY_RESTRICT d1 = d0 + n, *HWY_RESTRICT d2 = d1 + n;
  const T *HWY_RESTRICT g0 = s.dy(), *HWY_RESTRICT g1 = g0 + n, *HWY_RESTRICT g2 = g1 + n;
  const T *HWY_RESTRICT m = s.m(), *HWY_RESTRICT scale = s.scale(), *HWY_RESTRICT shift = s.shift();
  T *HWY_RESTRICT q0 = s.dp(), *HWY_RESTRICT q1 = q0 + n, *HWY_RESTRICT q2 = q1 + n;
  T *HWY_RESTRICT e0 = s.dd(), *HWY_RESTRICT e1 = e0 + n, *HWY_RESTRICT e2 = e1 + n;
  T* HWY_RESTRICT a = s.a();
  for (int64_t c = 0; c < n; ++c) {
    const T ratio = (scale[c] * m[c] + shift[c]) / m[c];
    const T dot = ratio * (p0[c] * d0[c] + p1[c] * d1[c] + p2[c] * d2[c]);
    const T inverse = T(1) / (d0[c] * d0[c] + d1[c] * d1[c] + d2[c] * d2[c] + T(kNormEps));
    const T factor = dot < T(0) ? T(1 - kSlope) * inverse : T(0);
    const T g = g0[c] * d0[c] + g1[c] * d1[c] + g2[c] * d2[c];
    q0[c] = g0[c] - factor * g * d0[c];
    q1[c] = g1[c] - factor * g * d1[c];
    q2[c] = g2[c] - factor * g * d2[c];
    a[c] = q0[c] * p0[c] + q1[c] * p1[c] + q2[c] * p2[c];
    if (with_direction) {
      const T on_q = -factor * g * ratio, on_g = -factor * dot, on_d = T(2) * factor * dot * g * inverse;
      e0[c] = on_q * p0[c] + on_g * g0[c] + on_d * d0[c];
      e1[c] = on_q * p1[c] + on_g * g1[c] + on_d * d1[c];
      e2[c] = on_q * p2[c] + on_g * g2[c] + on_d * d2[c];
    }
  }
}

// Sums over rows [begin, end) of the gradient of BatchNorm's result, and of that times the normalised m.
template <class T>
HWY_INLINE void GradientSumsOfRows(const VectorNeuronLayer<T>& layer, const T* dy, int64_t begin, int64_t end,
                                   double* sums) {
  const int64_t channels = layer.shape.channels;
  RowScratch<T> s(channels);
  SetBatchNorm(layer, s);
  std::fill_n(sums, 2 * channels, 0.0);
  for (int64_t row = begin; row < end; ++row) {
    LoadRow(layer, row, true, s);
    Norms(s);
    ActivationGradient(dy + row * 3 * channels, channels, false, s);
    for (int64_t c = 0; c < channels; ++c) {
      const double db = static_cast<double>(s.a()[c] / s.m()[c]);
      sums[c] += db;
      sums[channels + c] += db * (static_cast<double>(s.m()[c]) - static_cast<double>(layer.mean[c]));
    }
  }
}

// dz of the rows [begin, end), which hold all rows of the points they read. dm of BatchNorm is
// scale (db - mean_db - (m - mean) slope_db).
template <class T>
HWY_INLINE void BackwardOfRows(const VectorNeuronLayer<T>& layer, const T* dy, const T* mean_db, const T* slope_db,
                               int64_t begin, int64_t end, T* dz) {
  const VectorNeuronShape& shape = layer.shape;
  const int64_t channels = shape.channels, width = shape.z_channels();
  RowScratch<T> s(channels);
  SetBatchNorm(layer, s);
  const int64_t n = s.stride();
  for (int64_t row = begin; row < end; ++row) {
    LoadRow(layer, row, true, s);
    Norms(s);
    ActivationGradient(dy + row * 3 * channels, channels, true, s);
    T *ratio = s.a(), *radial = s.b();  // dp = ratio dq + radial p, the latter through |p|
    for (int64_t c = 0; c < channels; ++c) {
      const T m = s.m()[c], db = s.a()[c] / m, norm = m - T(kNormEps);
      ratio[c] = (s.scale()[c] * m + s.shift()[c]) / m;
      const T dm = s.scale()[c] * (db - mean_db[c] - (m - layer.mean[c]) * slope_db[c]) - db * ratio[c];
      radial[c] = norm > T(0) ? dm / norm : T(0);
    }
    const RowPoints points = PointsOf(shape, layer.neighbours, row);
    for (int64_t x = 0; x < 3; ++x) {
      const T* HWY_RESTRICT p = s.p() + x * n;
      const T* HWY_RESTRICT dd = s.dd() + x * n;
      T* HWY_RESTRICT dp = s.dp() + x * n;
      for (int64_t c = 0; c < n; ++c) dp[c] = ratio[c] * dp[c] + radial[c] * p[c];
      T* own = dz + (points.own * 3 + x) * width;
      if (shape.k > 0) {
        T* other = dz + (points.other * 3 + x) * width;
        for (int64_t c = 0; c < channels; ++c) other[c] += dp[c];
        for (int64_t c = 0; c < channels; ++c) other[2 * channels + c] += dd[c];
        for (int64_t c = 0; c < channels; ++c) own[channels + c] += dp[c];
        for (int64_t c = 0; c < channels; ++c) own[3 * channels + c] += dd[c];
        continue;
      }
      std::copy_n(dp, channels, own);
      if (!shape.shared_direction) {
        std::copy_n(dd, channels, own + channels);
        continue;
      }
      T sum = 0;
      for (int64_t c = 0; c < channels; ++c) sum += dd[c];
      own[channels] = sum;
    }
  }
}

// y and choice of points [begin, end).
template <class T>
HWY_INLINE void PoolOfPoints(int64_t m, int64_t channels, const T* x, const T* direction, int64_t begin, int64_t end,
                             T* y, uint8_t* choice) {
  std::vector<T> best(channels), reach(channels);
  for (int64_t point = begin; point < end; ++point) {
    uint8_t* HWY_RESTRICT chosen = choice + point * channels;
    std::fill_n(chosen, channels, uint8_t{0});
    for (int64_t i = 0; i < m; ++i) {
      const int64_t offset = (point * m + i) * 3 * channels;
      const T *HWY_RESTRICT v = x + offset, *HWY_RESTRICT d = direction + offset;
      for (int64_t c = 0; c < channels; ++c)
        reach[c] = v[c] * d[c] + v[channels + c] * d[channels + c] + v[2 * channels + c] * d[2 * channels + c];
      for (int64_t c = 0; c < channels; ++c)
        if (i == 0 || reach[c] > best[c]) {
          best[c] = reach[c];
          chosen[c] = static_cast<uint8_t>(i);
        }
    }
    for (int64_t axis = 0; axis < 3; ++axis)
      for (int64_t c = 0; c < channels; ++c)
        y[(point * 3 + axis) * channels + c] = x[((point * m + chosen[c]) * 3 + axis) * channels + c];
  }
}

#define ORBIT_DEFINE(NAME, T)                                                                                         \
  void Statistics##NAME(const VectorNeuronLayer<T>& layer, int64_t begin, int64_t end, double* sums) {                \
    StatisticsOfRows(layer, begin, end, sums);                                                                        \
  }                                                                                                                   \
  void Forward##NAME(const VectorNeuronLayer<T>& layer, int64_t begin, int64_t end, T* y) {                           \
    ForwardOfRows(layer, begin, end, y);                                                                              \
  }                                                                                                                   \
  void GradientSums##NAME(const VectorNeuronLayer<T>& layer, const T* dy, int64_t begin, int64_t end, double* sums) { \
    GradientSumsOfRows(layer, dy, begin, end, sums);                                                                  \
  }                                                                                                                   \
  void Backward##NAME(const VectorNeuronLayer<T>& layer, const T* dy, const T* mean_db, const T* slope_db,            \
                      int64_t begin, int64_t end, T* dz) {                                                            \
    BackwardOfRows(layer, dy, mean_db, slope_db, begin, end, dz);                                                     \
  }                                                                                                                   \
  void Pool##NAME(int64_t m, int64_t channels, const T* x, const T* direction, int64_t begin, int64_t end, T* y,      \
                  uint8_t* choice) {                                                                                  \
    PoolOfPoints(m, channels, x, direction, begin, end, y, choice);                                                   \
  }
ORBIT_DEFINE(F32, float)
ORBIT_DEFINE(F64, double)
#undef ORBIT_DEFINE

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

#define ORBIT_DEFINE(NAME, T)                                                                              \
  HWY_EXPORT(Statistics##NAME);                                                                            \
  HWY_EXPORT(Forward##NAME);                                                                               \
  HWY_EXPORT(GradientSums##NAME);                                                                          \
  HWY_EXPORT(Backward##NAME);                                                                              \
  HWY_EXPORT(Pool##NAME);                                                                                  \
  template <class... Args>                                                                                 \
  void Statistics(const VectorNeuronLayer<T>& layer, Args... args) {                                       \
    HWY_DYNAMIC_DISPATCH(Statistics##NAME)(layer, args...);                                                \
  }                                                                                                        \
  template <class... Args>                                                                                 \
  void Forward(const VectorNeuronLayer<T>& layer, Args... args) {                                          \
    HWY_DYNAMIC_DISPATCH(Forward##NAME)(layer, args...);                                                   \
  }                                                                                                        \
  template <class... Args>                                                                                 \
  void GradientSums(const VectorNeuronLayer<T>& layer, Args... args) {                                     \
    HWY_DYNAMIC_DISPATCH(GradientSums##NAME)(layer, args...);                                              \
  }                                                                                                        \
  template <class... Args>                                                                                 \
  void Backward(const VectorNeuronLayer<T>& layer, Args... args) {                                         \
    HWY_DYNAMIC_DISPATCH(Backward##NAME)(layer, args...);                                                  \
  }                                                                                                        \
  void Pool(int64_t m, int64_t channels, const T* x, const T* direction, int64_t begin, int64_t end, T* y, \
            uint8_t* choice) {                                                                             \
    HWY_DYNAMIC_DISPATCH(Pool##NAME)(m, channels, x, direction, begin, end, y, choice);                    \
  }
ORBIT_DEFINE(F32, float)
ORBIT_DEFINE(F64, double)
#undef ORBIT_DEFINE

// Graphs to a chunk: some hundred rows.
int64_t GraphGrain(const VectorNeuronShape& shape) {
  const int64_t rows = std::max<int64_t>(1, shape.rows() / std::max<int64_t>(1, shape.graphs));
  return std::max<int64_t>(std::max<int64_t>(1, 512 / rows), NumChunks(shape.graphs, 64));
}

// f(begin, end, sums) fills two sums a channel over rows; the chunks' sums are added in order.
template <class F>
std::vector<double> SumOverRows(const VectorNeuronShape& shape, F&& f) {
  const int64_t grain = GraphGrain(shape), rows = shape.rows() / std::max<int64_t>(1, shape.graphs);
  const int64_t width = 2 * shape.channels;
  std::vector<double> partial(NumChunks(shape.graphs, grain) * width), sums(width, 0.0);
  ParallelFor(shape.graphs, grain,
              [&](int64_t begin, int64_t end) { f(begin * rows, end * rows, partial.data() + begin / grain * width); });
  for (size_t i = 0; i < partial.size(); ++i) sums[i % width] += partial[i];
  return sums;
}

template <class F>
void ForEachRowRange(const VectorNeuronShape& shape, F&& f) {
  const int64_t rows = shape.rows() / std::max<int64_t>(1, shape.graphs);
  ParallelFor(shape.graphs, GraphGrain(shape), [&](int64_t begin, int64_t end) { f(begin * rows, end * rows); });
}

int64_t PoolGrain(int64_t m, int64_t channels) {
  return std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(1, m * 3 * channels));
}

}  // namespace

template <class Device, class T>
void VectorNeuronStatistics(Device, const VectorNeuronShape& shape, const int32_t* neighbours, const T* z, T* mean,
                            T* variance) {
  const VectorNeuronLayer<T> layer{shape, neighbours, z, nullptr, nullptr, nullptr, nullptr, T(0)};
  const std::vector<double> sums =
      SumOverRows(shape, [&](int64_t begin, int64_t end, double* sums) { Statistics(layer, begin, end, sums); });
  const double rows = static_cast<double>(std::max<int64_t>(1, shape.rows()));
  for (int64_t c = 0; c < shape.channels; ++c) {
    const double average = sums[c] / rows;
    mean[c] = static_cast<T>(average);
    variance[c] = static_cast<T>(std::max(0.0, sums[shape.channels + c] / rows - average * average));
  }
}

template <class Device, class T>
void VectorNeuronForward(Device, const VectorNeuronShape& shape, const int32_t* neighbours, const T* z, const T* weight,
                         const T* bias, const T* mean, const T* variance, T eps, T* y) {
  const VectorNeuronLayer<T> layer{shape, neighbours, z, weight, bias, mean, variance, eps};
  ForEachRowRange(shape, [&](int64_t begin, int64_t end) { Forward(layer, begin, end, y); });
}

template <class Device, class T>
void VectorNeuronBackward(Device, const VectorNeuronShape& shape, const int32_t* neighbours, const T* z,
                          const T* weight, const T* bias, const T* mean, const T* variance, T eps, bool training,
                          const T* dy, T* dz, T* dweight, T* dbias) {
  const VectorNeuronLayer<T> layer{shape, neighbours, z, weight, bias, mean, variance, eps};
  const int64_t channels = shape.channels;
  const std::vector<double> sums =
      SumOverRows(shape, [&](int64_t begin, int64_t end, double* sums) { GradientSums(layer, dy, begin, end, sums); });
  std::vector<T> mean_db(channels, T(0)), slope_db(channels, T(0));
  const double rows = static_cast<double>(std::max<int64_t>(1, shape.rows()));
  for (int64_t c = 0; c < channels; ++c) {
    const double precision = 1 / (static_cast<double>(variance[c]) + static_cast<double>(eps));
    dbias[c] = static_cast<T>(sums[c]);
    dweight[c] = static_cast<T>(sums[channels + c] * std::sqrt(precision));
    if (!training) continue;
    mean_db[c] = static_cast<T>(sums[c] / rows);
    slope_db[c] = static_cast<T>(sums[channels + c] * precision / rows);
  }
  const int64_t graph_size = shape.n * 3 * shape.z_channels();
  const int64_t rows_per_graph = shape.n * std::max<int64_t>(1, shape.k);
  ForEachRowRange(shape, [&](int64_t begin, int64_t end) {
    std::fill(dz + begin / rows_per_graph * graph_size, dz + end / rows_per_graph * graph_size, T(0));
    Backward(layer, dy, mean_db.data(), slope_db.data(), begin, end, dz);
  });
}

template <class Device, class T>
void VectorMaxPool(Device, int64_t points, int64_t m, int64_t channels, const T* x, const T* direction, T* y,
                   uint8_t* choice) {
  ParallelFor(points, PoolGrain(m, channels),
              [&](int64_t begin, int64_t end) { Pool(m, channels, x, direction, begin, end, y, choice); });
}

template <class Device, class T>
void VectorMaxPoolBackward(Device, int64_t points, int64_t m, int64_t channels, const uint8_t* choice, const T* dy,
                           T* dx) {
  ParallelFor(points, PoolGrain(m, channels), [&](int64_t begin, int64_t end) {
    std::fill(dx + begin * m * 3 * channels, dx + end * m * 3 * channels, T(0));
    for (int64_t point = begin; point < end; ++point)
      for (int64_t axis = 0; axis < 3; ++axis)
        for (int64_t c = 0; c < channels; ++c)
          dx[((point * m + choice[point * channels + c]) * 3 + axis) * channels + c] =
              dy[(point * 3 + axis) * channels + c];
  });
}

#define ORBIT_INSTANTIATE(T)                                                                                      \
  template void VectorNeuronStatistics(Cpu, const VectorNeuronShape&, const int32_t*, const T*, T*, T*);          \
  template void VectorNeuronForward(Cpu, const VectorNeuronShape&, const int32_t*, const T*, const T*, const T*,  \
                                    const T*, const T*, T, T*);                                                   \
  template void VectorNeuronBackward(Cpu, const VectorNeuronShape&, const int32_t*, const T*, const T*, const T*, \
                                     const T*, const T*, T, bool, const T*, T*, T*, T*);                          \
  template void VectorMaxPool(Cpu, int64_t, int64_t, int64_t, const T*, const T*, T*, uint8_t*);                  \
  template void VectorMaxPoolBackward(Cpu, int64_t, int64_t, int64_t, const uint8_t*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
