#include "kernels/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/cpu/targets.h"
#include "kernels/parallel.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/batch_norm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/simd-inl.h"
// clang-format on

#ifndef ORBIT_KERNELS_CPU_BATCH_NORM_ARGUMENTS_
#define ORBIT_KERNELS_CPU_BATCH_NORM_ARGUMENTS_
namespace orbit::kernels {
namespace {

// Sums over this many rows are taken in T; the partial sums are added in double precision.
constexpr int64_t kRows = 128;

// Arguments of the backward loops: x, y, dy [rows, channels]; mean [channels]; scale [channels] = 1 / deviation.
template <class T>
struct BackwardArguments {
  int64_t channels;
  const T *x, *y, *dy;  // y is null without ReLU
  const T *mean, *scale;
};

}  // namespace
}  // namespace orbit::kernels
#endif  // ORBIT_KERNELS_CPU_BATCH_NORM_ARGUMENTS_

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

// Calls f(vectors, c, count) to cover all channels, c being the first of them. Takes four vectors at a time while they
// fit, so that whole cache lines of a row are read; then single vectors, of which the last holds only `count` channels.
template <class T, class F>
HWY_INLINE void ForChannels(int64_t channels, const F& f) {
  constexpr int64_t kAtOnce = 4;
  int64_t c = 0;
  for (; c + kAtOnce * kLanes<T> <= channels; c += kAtOnce * kLanes<T>)
    f(std::integral_constant<int, kAtOnce>(), c, kLanes<T>);
  for (; c < channels; c += kLanes<T>)
    f(std::integral_constant<int, 1>(), c, std::min<int64_t>(kLanes<T>, channels - c));
}

template <class T, int kVectors>
struct Channels {
  Vector<T> of[kVectors];

  HWY_INLINE Channels() {
    for (int v = 0; v < kVectors; ++v) of[v] = hn::Zero(Tag<T>());
  }
  HWY_INLINE Channels(const T* from, int64_t count) {
    for (int v = 0; v < kVectors; ++v) of[v] = LoadFirst<T>(from + v * kLanes<T>, count);
  }
  HWY_INLINE void Store(T* to, int64_t count) const {
    for (int v = 0; v < kVectors; ++v) StoreFirst<T>(of[v], to + v * kLanes<T>, count);
  }
};

// sums [channels] = sum of x over the rows, or, if mean is not null, of (x - mean)^2.
template <class T>
void AddRows(int64_t rows, int64_t channels, const T* x, const T* mean, T* sums) {
  ForChannels<T>(channels, [&](auto vectors, int64_t c, int64_t count) HWY_ATTR {
    using Row = Channels<T, vectors>;
    const Row center = mean ? Row(mean + c, count) : Row();
    Row sum;
    for (int64_t r = 0; r < rows; ++r) {
      const Row value(x + r * channels + c, count);
      for (int v = 0; v < vectors; ++v) {
        const auto difference = hn::Sub(value.of[v], center.of[v]);
        sum.of[v] = mean ? hn::MulAdd(difference, difference, sum.of[v]) : hn::Add(sum.of[v], value.of[v]);
      }
    }
    sum.Store(sums + c, count);
  });
}

// y = max((x - mean) factor + bias, floor), which keeps NaN.
template <class T>
void Normalize(int64_t rows, int64_t channels, const T* x, const T* mean, const T* factor, const T* bias, T floor,
               T* y) {
  const auto lowest = hn::Set(Tag<T>(), floor);
  ForChannels<T>(channels, [&](auto vectors, int64_t c, int64_t count) HWY_ATTR {
    using Row = Channels<T, vectors>;
    const Row center(mean + c, count), slope(factor + c, count), shift(bias + c, count);
    for (int64_t r = 0; r < rows; ++r) {
      Row value(x + r * channels + c, count);
      for (int v = 0; v < vectors; ++v) {
        value.of[v] = hn::MulAdd(hn::Sub(value.of[v], center.of[v]), slope.of[v], shift.of[v]);
        value.of[v] = hn::IfThenElse(hn::Lt(value.of[v], lowest), lowest, value.of[v]);
      }
      value.Store(y + r * channels + c, count);
    }
  });
}

// The part of dy that passes the ReLU, from element i on.
template <class Row, class T>
HWY_INLINE Row Passed(const BackwardArguments<T>& a, int64_t i, int64_t count) {
  Row dy(a.dy + i, count);
  if (!a.y) return dy;
  const Row y(a.y + i, count);
  for (size_t v = 0; v < std::size(dy.of); ++v)
    dy.of[v] = hn::IfThenElseZero(hn::Gt(y.of[v], hn::Zero(Tag<T>())), dy.of[v]);
  return dy;
}

// sums [2, channels]: over the rows [begin, end), the sum of dy, and of dy times the normalised x.
template <class T>
void SumGradients(const BackwardArguments<T>& a, int64_t begin, int64_t end, T* sums) {
  ForChannels<T>(a.channels, [&](auto vectors, int64_t c, int64_t count) HWY_ATTR {
    using Row = Channels<T, vectors>;
    const Row center(a.mean + c, count), scale(a.scale + c, count);
    Row sum, product;
    for (int64_t r = begin; r < end; ++r) {
      const int64_t i = r * a.channels + c;
      const Row gradient = Passed<Row>(a, i, count), x(a.x + i, count);
      for (int v = 0; v < vectors; ++v) {
        sum.of[v] = hn::Add(sum.of[v], gradient.of[v]);
        product.of[v] = hn::MulAdd(gradient.of[v], hn::Mul(hn::Sub(x.of[v], center.of[v]), scale.of[v]), product.of[v]);
      }
    }
    sum.Store(sums + c, count);
    product.Store(sums + a.channels + c, count);
  });
}

// dx = factor (dy - shift - (x - mean) slope) on the rows [begin, end).
template <class T>
void SpreadGradients(const BackwardArguments<T>& a, int64_t begin, int64_t end, const T* factors, const T* shifts,
                     const T* slopes, T* dx) {
  ForChannels<T>(a.channels, [&](auto vectors, int64_t c, int64_t count) HWY_ATTR {
    using Row = Channels<T, vectors>;
    const Row center(a.mean + c, count), factor(factors + c, count), shift(shifts + c, count), slope(slopes + c, count);
    for (int64_t r = begin; r < end; ++r) {
      const int64_t i = r * a.channels + c;
      Row gradient = Passed<Row>(a, i, count);
      const Row x(a.x + i, count);
      for (int v = 0; v < vectors; ++v) {
        const auto difference = hn::Sub(x.of[v], center.of[v]);
        gradient.of[v] =
            hn::Mul(factor.of[v], hn::NegMulAdd(difference, slope.of[v], hn::Sub(gradient.of[v], shift.of[v])));
      }
      gradient.Store(dx + i, count);
    }
  });
}

}  // namespace

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

ORBIT_EXPORT(AddRows)
ORBIT_EXPORT(Normalize)
ORBIT_EXPORT(SumGradients)
ORBIT_EXPORT(SpreadGradients)

// Splits the rows into chunks, calls sum(begin, end, sums) for each with its own zeroed sums [count], and returns the
// totals.
template <class T, class Sum>
std::vector<double> SumRows(int64_t rows, int64_t count, Sum sum) {
  const int64_t chunks = NumChunks(rows, kRows);
  std::vector<T> partial(chunks * count, T(0));
  ParallelFor(rows, kRows, [&](int64_t begin, int64_t end) { sum(begin, end, &partial[begin / kRows * count]); });
  std::vector<double> totals(count, 0.0);
  for (int64_t chunk = 0; chunk < chunks; ++chunk)
    for (int64_t i = 0; i < count; ++i) totals[i] += static_cast<double>(partial[chunk * count + i]);
  return totals;
}

template <class T>
std::vector<T> Scales(int64_t channels, const BatchStatistics<T>& statistics) {
  std::vector<T> scales(channels);
  for (int64_t c = 0; c < channels; ++c) scales[c] = T(1) / std::sqrt(statistics.variance[c] + statistics.eps);
  return scales;
}

// Calls f(c, moments) for every channel c with the merged moments of all parts.
template <class F>
void ForMerged(int64_t parts, int64_t channels, const double* moments, F f) {
  for (int64_t c = 0; c < channels; ++c) f(c, MergedMoments(parts, channels, moments, c));
}

}  // namespace

template <class Device, class T>
void BatchNormMoments(Device, int64_t rows, int64_t channels, const T* x, double* moments) {
  const auto sum_from = [&](const T* center) {
    return SumRows<T>(rows, channels, [&](int64_t begin, int64_t end, T* sums) {
      AddRows<T>(end - begin, channels, x + begin * channels, center, sums);
    });
  };
  const std::vector<double> sums = sum_from(nullptr);
  std::vector<T> center(channels);
  for (int64_t c = 0; c < channels; ++c) {
    moments[c] = static_cast<double>(rows);
    moments[channels + c] = sums[c] / static_cast<double>(rows);
    center[c] = T(moments[channels + c]);
  }
  std::ranges::copy(sum_from(center.data()), moments + 2 * channels);
}

template <class Device, class T>
void MergeMoments(Device, int64_t parts, int64_t channels, const double* moments, T* mean, T* variance, double* count) {
  ForMerged(parts, channels, moments, [&](int64_t c, const Moments& merged) {
    mean[c] = T(merged.mean);
    variance[c] = T(merged.squares / merged.count);
    *count = merged.count;
  });
}

template <class Device, class T>
void MoveStatistics(Device, int64_t parts, int64_t channels, const double* moments, T momentum, T* running_mean,
                    T* running_variance) {
  ForMerged(parts, channels, moments, [&](int64_t c, const Moments& now) {
    if (!std::isfinite(now.mean) || !std::isfinite(now.squares)) return;
    running_mean[c] = (1 - momentum) * running_mean[c] + momentum * T(now.mean);
    running_variance[c] = (1 - momentum) * running_variance[c] + momentum * T(now.squares / (now.count - 1));
  });
}

template <class Device, class T>
void BatchNormForward(Device, int64_t rows, int64_t channels, bool relu, const T* x,
                      const BatchStatistics<T>& statistics, const T* weight, const T* bias, T* y) {
  std::vector<T> factor = Scales(channels, statistics);
  for (int64_t c = 0; c < channels; ++c) factor[c] *= weight[c];
  const T floor = relu ? T(0) : -std::numeric_limits<T>::infinity();
  ParallelFor(rows, kRows, [&, factor = factor.data()](int64_t begin, int64_t end) {
    Normalize<T>(end - begin, channels, x + begin * channels, statistics.mean, factor, bias, floor,
                 y + begin * channels);
  });
}

template <class Device, class T>
void BatchNormGradientSums(Device, int64_t rows, int64_t channels, bool relu, const T* x, const T* y,
                           const BatchStatistics<T>& statistics, const T* dy, double* sums, T* dweight, T* dbias) {
  const std::vector<T> scales = Scales(channels, statistics);
  const BackwardArguments<T> arguments = {channels, x, relu ? y : nullptr, dy, statistics.mean, scales.data()};
  std::ranges::copy(
      SumRows<T>(rows, 2 * channels,
                 [&](int64_t begin, int64_t end, T* sums) { SumGradients<T>(arguments, begin, end, sums); }),
      sums);
  for (int64_t c = 0; c < channels; ++c) {
    dbias[c] = T(sums[c]);
    dweight[c] = T(sums[channels + c]);
  }
}

template <class Device, class T>
void BatchNormBackward(Device, int64_t rows, int64_t channels, bool relu, const T* x, const T* y,
                       const BatchStatistics<T>& statistics, const T* weight, const T* dy, const double* sums, T* dx) {
  const std::vector<T> scales = Scales(channels, statistics);
  const BackwardArguments<T> arguments = {channels, x, relu ? y : nullptr, dy, statistics.mean, scales.data()};
  std::vector<T> factor(channels), shift(channels, T(0)), slope(channels, T(0));
  for (int64_t c = 0; c < channels; ++c) {
    factor[c] = weight[c] * scales[c];
    if (!statistics.count) continue;
    shift[c] = T(sums[c] / *statistics.count);
    slope[c] = T(sums[channels + c] / *statistics.count) * scales[c];
  }
  ParallelFor(rows, kRows, [&](int64_t begin, int64_t end) {
    SpreadGradients<T>(arguments, begin, end, factor.data(), shift.data(), slope.data(), dx);
  });
}

#define ORBIT_INSTANTIATE(T)                                                                                           \
  template void BatchNormMoments(Cpu, int64_t, int64_t, const T*, double*);                                            \
  template void MergeMoments(Cpu, int64_t, int64_t, const double*, T*, T*, double*);                                   \
  template void MoveStatistics(Cpu, int64_t, int64_t, const double*, T, T*, T*);                                       \
  template void BatchNormForward(Cpu, int64_t, int64_t, bool, const T*, const BatchStatistics<T>&, const T*, const T*, \
                                 T*);                                                                                  \
  template void BatchNormGradientSums(Cpu, int64_t, int64_t, bool, const T*, const T*, const BatchStatistics<T>&,      \
                                      const T*, double*, T*, T*);                                                      \
  template void BatchNormBackward(Cpu, int64_t, int64_t, bool, const T*, const T*, const BatchStatistics<T>&,          \
                                  const T*, const T*, const double*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
