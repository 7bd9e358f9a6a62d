// Rows brought to mean 0 and variance 1: layer normalisation without its scale and shift.
#if defined(ORBIT_KERNELS_CPU_LAYER_NORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORBIT_KERNELS_CPU_LAYER_NORM_INL_H_
#undef ORBIT_KERNELS_CPU_LAYER_NORM_INL_H_
#else
#define ORBIT_KERNELS_CPU_LAYER_NORM_INL_H_
#endif

#include <cmath>
#include <cstdint>

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {

// The mean of x [width] and 1 / sqrt(variance + eps).
template <class T>
struct RowStatistics {
  T mean, inverse_deviation;
};

template <class T>
HWY_INLINE RowStatistics<T> StatisticsOf(int64_t width, T eps, const T* x) {
  const Tag<T> d;
  auto sum = hn::Zero(d);
  for (int64_t c = 0; c < width; c += kLanes<T>) sum = hn::Add(sum, LoadFirst(x + c, width - c));
  const T mean = SumOfLanes<T>(sum) / static_cast<T>(width);
  const auto means = hn::Set(d, mean);
  auto squares = hn::Zero(d);
  for (int64_t c = 0; c < width; c += kLanes<T>) {
    const auto centred = KeepFirst<T>(hn::Sub(LoadFirst(x + c, width - c), means), width - c);
    squares = hn::MulAdd(centred, centred, squares);
  }
  return {mean, T(1) / std::sqrt(SumOfLanes<T>(squares) / static_cast<T>(width) + eps)};
}

// y [width] = (x - mean) inverse_deviation.
template <class T>
HWY_INLINE void Normalize(int64_t width, RowStatistics<T> statistics, const T* x, T* y) {
  const Tag<T> d;
  const auto mean = hn::Set(d, statistics.mean), scale = hn::Set(d, statistics.inverse_deviation);
  for (int64_t c = 0; c < width; c += kLanes<T>)
    StoreFirst(hn::Mul(hn::Sub(LoadFirst(x + c, width - c), mean), scale), y + c, width - c);
}

// dx [width] = start + inverse_deviation (dy - mean(dy) - y mean(dy y)), for y = Normalize(x); start may be null, and
// may be dx.
template <class T>
HWY_INLINE void NormalizeBackward(int64_t width, T inverse_deviation, const T* y, const T* dy, const T* start, T* dx) {
  const Tag<T> d;
  auto sum = hn::Zero(d), product = hn::Zero(d);
  for (int64_t c = 0; c < width; c += kLanes<T>) {
    const auto gradient = LoadFirst(dy + c, width - c);
    sum = hn::Add(sum, gradient);
    product = hn::MulAdd(gradient, LoadFirst(y + c, width - c), product);
  }
  const auto scale = hn::Set(d, inverse_deviation);
  const auto mean = hn::Set(d, SumOfLanes<T>(sum) / static_cast<T>(width));
  const auto mean_product = hn::Set(d, SumOfLanes<T>(product) / static_cast<T>(width));
  for (int64_t c = 0; c < width; c += kLanes<T>) {
    const auto centred = hn::Sub(LoadFirst(dy + c, width - c), mean);
    const auto projected = hn::NegMulAdd(LoadFirst(y + c, width - c), mean_product, centred);
    const auto from = start ? LoadFirst(start + c, width - c) : hn::Zero(d);
    StoreFirst(hn::MulAdd(projected, scale, from), dx + c, width - c);
  }
}

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
