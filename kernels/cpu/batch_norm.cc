#include "kernels/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/targets.h"

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

// Rows whose sums are taken in T before they join those of the others in double precision.
constexpr int64_t kRows = 128;

// What the backward loops read: arrays [rows, channels], and [channels] with what belongs to a channel.
template <class T>
struct BackwardArguments {
  int64_t channels;
  const T *x, *y, *dy;  // y is null where the gradient passes everywhere
  const T *mean, *scale;
};

}  // namespace
}  // namespace orbit::kernels
#endif  // ORBIT_KERNELS_CPU_BATCH_NORM_ARGUMENTS_

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

// Calls f(c, count) for all channels: c the first of a vector, of which `count` are there.
template <class T, class F>
HWY_INLINE void ForChannels(int64_t channels, const F& f) {
  for (int64_t c = 0; c < channels; c += kLanes<T>) f(c, std::min<int64_t>(kLanes<T>, channels - c));
}

// sums [channels] += x; where there is a mean, the squares of the differences from it.
template <class T>
void AddRows(int64_t rows, int64_t channels, const T* x, const T* mean, T* sums) {
  const Tag<T> d;
  ForChannels<T>(channels, [&](int64_t c, int64_t count) HWY_ATTR {
    const auto center = mean ? LoadFirst<T>(mean + c, count) : hn::Zero(d);
    auto sum = hn::Zero(d);
    for (int64_t r = 0; r < rows; ++r) {
      const auto value = LoadFirst<T>(x + r * channels + c, count);
      const auto difference = hn::Sub(value, center);
      sum = mean ? hn::MulAdd(difference, difference, sum) : hn::Add(sum, value);
    }
    StoreFirst<T>(sum, sums + c, count);
  });
}

// y = max((x - mean) factor + bias, floor); a NaN stays one.
template <class T>
void Normalize(int64_t rows, int64_t channels, const T* x, const T* mean, const T* factor, const T* bias, T floor,
               T* y) {
  const Tag<T> d;
  const auto lowest = hn::Set(d, floor);
  ForChannels<T>(channels, [&](int64_t c, int64_t count) HWY_ATTR {
    const auto center = LoadFirst<T>(mean + c, count), slope = LoadFirst<T>(factor + c, count),
               shift = LoadFirst<T>(bias + c, count);
    for (int64_t r = 0; r < rows; ++r) {
      const auto value = hn::MulAdd(hn::Sub(LoadFirst<T>(x + r * channels + c, count), center), slope, shift);
      StoreFirst<T>(hn::IfThenElse(hn::Lt(value, lowest), lowest, value), y + r * channels + c, count);
    }
  });
}

// The gradient at element i that passes through the ReLU.
template <class T>
HWY_INLINE Vector<T> Passed(const BackwardArguments<T>& a, int64_t i, int64_t count) {
  const auto dy = LoadFirst<T>(a.dy + i, count);
  return a.y ? hn::IfThenElseZero(hn::Gt(LoadFirst<T>(a.y + i, count), hn::Zero(Tag<T>())), dy) : dy;
}

// Over the rows [begin, end), the sums of dy and of dy times the normalised x: sums [2, channels].
template <class T>
void SumGradients(const BackwardArguments<T>& a, int64_t begin, int64_t end, T* sums) {
  const Tag<T> d;
  ForChannels<T>(a.channels, [&](int64_t c, int64_t count) HWY_ATTR {
    const auto center = LoadFirst<T>(a.mean + c, count), scale = LoadFirst<T>(a.scale + c, count);
    auto sum = hn::Zero(d), product = hn::Zero(d);
    for (int64_t r = begin; r < end; ++r) {
      const int64_t i = r * a.channels + c;
      const auto gradient = Passed(a, i, count);
      sum = hn::Add(sum, gradient);
      product = hn::MulAdd(gradient, hn::Mul(hn::Sub(LoadFirst<T>(a.x + i, count), center), scale), product);
    }
    StoreFirst<T>(sum, sums + c, count);
    StoreFirst<T>(product, sums + a.channels + c, count);
  });
}

// dx = factor (dy - shift - (x - mean) slope) on the rows [begin, end).
template <class T>
void SpreadGradients(const BackwardArguments<T>& a, int64_t begin, int64_t end, const T* factors, const T* shifts,
                     const T* slopes, T* dx) {
  ForChannels<T>(a.channels, [&](int64_t c, int64_t count) HWY_ATTR {
    const auto center = LoadFirst<T>(a.mean + c, count), factor = LoadFirst<T>(factors + c, count),
               shift = LoadFirst<T>(shifts + c, count), slope = LoadFirst<T>(slopes + c, count);
    for (int64_t r = begin; r < end; ++r) {
      const int64_t i = r * a.channels + c;
      const auto difference = hn::Sub(LoadFirst<T>(a.x + i, count), center);
      const auto gradient = hn::NegMulAdd(difference, slope, hn::Sub(Passed(a, i, count), shift));
      StoreFirst<T>(hn::Mul(factor, gradient), dx + i, count);
    }
  });
}

}  // namespace

#define ORBIT_DEFINE(NAME, T)                                                                                     \
  void AddRows##NAME(int64_t rows, int64_t channels, const T* x, const T* mean, T* sums) {                        \
    AddRows(rows, channels, x, mean, sums);                                                                       \
  }                                                                                                               \
  void Normalize##NAME(int64_t rows, int64_t channels, const T* x, const T* mean, const T* factor, const T* bias, \
                       T floor, T* y) {                                                                           \
    Normalize(rows, channels, x, mean, factor, bias, floor, y);                                                   \
  }                                                                                                               \
  void SumGradients##NAME(const BackwardArguments<T>& a, int64_t begin, int64_t end, T* sums) {                   \
    SumGradients(a, begin, end, sums);                                                                            \
  }                                                                                                               \
  void SpreadGradients##NAME(const BackwardArguments<T>& a, int64_t begin, int64_t end, const T* factors,         \
                             const T* shifts, const T* slopes, T* dx) {                                           \
    SpreadGradients(a, begin, end, factors, shifts, slopes, dx);                                                  \
  }
ORBIT_DEFINE(Float, float)
ORBIT_DEFINE(Double, double)
#undef ORBIT_DEFINE

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

#define ORBIT_EXPORT(FUNCTION)                              \
  HWY_EXPORT(FUNCTION##Float);                              \
  HWY_EXPORT(FUNCTION##Double);                             \
  template <class T, class... Arguments>                    \
  void FUNCTION(const Arguments&... arguments) {            \
    if constexpr (std::is_same_v<T, float>)                 \
      HWY_DYNAMIC_DISPATCH(FUNCTION##Float)(arguments...);  \
    else                                                    \
      HWY_DYNAMIC_DISPATCH(FUNCTION##Double)(arguments...); \
  }
ORBIT_EXPORT(AddRows)
ORBIT_EXPORT(Normalize)
ORBIT_EXPORT(SumGradients)
ORBIT_EXPORT(SpreadGradients)
#undef ORBIT_EXPORT

// Calls sum(begin, end, sums) for chunks of rows, sums being [count], and returns the totals.
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
std::vector<T> Scales(int64_t channels, const T* variance, T eps) {
  std::vector<T> scales(channels);
  for (int64_t c = 0; c < channels; ++c) scales[c] = T(1) / std::sqrt(variance[c] + eps);
  return scales;
}

}  // namespace

template <class Device, class T>
void BatchNormStatistics(Device, int64_t rows, int64_t channels, const T* x, T* mean, T* variance) {
  const auto sum_from = [&](const T* center) {
    return SumRows<T>(rows, channels, [&](int64_t begin, int64_t end, T* sums) {
      AddRows<T>(end - begin, channels, x + begin * channels, center, sums);
    });
  };
  const std::vector<double> sums = sum_from(nullptr);
  for (int64_t c = 0; c < channels; ++c) mean[c] = T(sums[c] / static_cast<double>(rows));
  const std::vector<double> squares = sum_from(mean);
  for (int64_t c = 0; c < channels; ++c) variance[c] = T(squares[c] / static_cast<double>(rows));
}

template <class Device, class T>
void MoveStatistics(Device, int64_t channels, T momentum, T unbiased, const T* mean, const T* variance, T* running_mean,
                    T* running_variance) {
  for (int64_t c = 0; c < channels; ++c) {
    running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean[c];
    running_variance[c] = (1 - momentum) * running_variance[c] + momentum * unbiased * variance[c];
  }
}

template <class Device, class T>
void BatchNormForward(Device, int64_t rows, int64_t channels, bool relu, const T* x, const T* mean, const T* variance,
                      T eps, const T* weight, const T* bias, T* y) {
  std::vector<T> factor = Scales(channels, variance, eps);
  for (int64_t c = 0; c < channels; ++c) factor[c] *= weight[c];
  const T floor = relu ? T(0) : -std::numeric_limits<T>::infinity();
  ParallelFor(rows, kRows, [&, factor = factor.data()](int64_t begin, int64_t end) {
    Normalize<T>(end - begin, channels, x + begin * channels, mean, factor, bias, floor, y + begin * channels);
  });
}

template <class Device, class T>
void BatchNormBackward(Device, int64_t rows, int64_t channels, bool relu, bool training, const T* x, const T* y,
                       const T* mean, const T* variance, T eps, const T* weight, const T* dy, T* dx, T* dweight,
                       T* dbias) {
  const std::vector<T> scales = Scales(channels, variance, eps);
  const BackwardArguments<T> arguments = {channels, x, relu ? y : nullptr, dy, mean, scales.data()};
  const std::vector<double> sums = SumRows<T>(
      rows, 2 * channels, [&](int64_t begin, int64_t end, T* sums) { SumGradients<T>(arguments, begin, end, sums); });
  std::vector<T> factor(channels), shift(channels, T(0)), slope(channels, T(0));
  for (int64_t c = 0; c < channels; ++c) {
    dbias[c] = T(sums[c]);
    dweight[c] = T(sums[channels + c]);
    factor[c] = weight[c] * scales[c];
    if (!training) continue;
    shift[c] = T(sums[c] / static_cast<double>(rows));
    slope[c] = T(sums[channels + c] / static_cast<double>(rows)) * scales[c];
  }
  if (!dx) return;
  ParallelFor(rows, kRows, [&](int64_t begin, int64_t end) {
    SpreadGradients<T>(arguments, begin, end, factor.data(), shift.data(), slope.data(), dx);
  });
}

#define ORBIT_INSTANTIATE(T)                                                                                       \
  template void MoveStatistics(Cpu, int64_t, T, T, const T*, const T*, T*, T*);                                    \
  template void BatchNormStatistics(Cpu, int64_t, int64_t, const T*, T*, T*);                                      \
  template void BatchNormForward(Cpu, int64_t, int64_t, bool, const T*, const T*, const T*, T, const T*, const T*, \
                                 T*);                                                                              \
  template void BatchNormBackward(Cpu, int64_t, int64_t, bool, bool, const T*, const T*, const T*, const T*, T,    \
                                  const T*, const T*, T*, T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
