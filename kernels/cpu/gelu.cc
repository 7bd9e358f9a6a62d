#include "kernels/cpu/gelu.h"

#include <algorithm>

#include "kernels/bfloat16.h"
#include "kernels/cpu/targets.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/gelu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/gelu-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

template <class T>
void Forward(int64_t size, const T* x, T* y) {
  Gelu<T>(size, x, y);
}

template <class T>
void Backward(int64_t size, const T* x, const T* dy, T* dx) {
  GeluBackward<T>(size, x, dy, dx, nullptr);
}

}  // namespace
}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

ORBIT_EXPORT(Forward)
ORBIT_EXPORT(Backward)

constexpr int64_t kBlock = 512;  // elements of bf16 that are widened at once

}  // namespace

template <class T>
void GeluOf(int64_t size, const T* x, T* y) {
  Forward<T>(size, x, y);
}

template <class T>
void GeluGradient(int64_t size, const T* x, const T* dy, T* dx) {
  Backward<T>(size, x, dy, dx);
}

template <>
void GeluOf(int64_t size, const BFloat16* x, BFloat16* y) {
  float wide[kBlock];
  for (int64_t first = 0; first < size; first += kBlock) {
    const int64_t count = std::min(kBlock, size - first);
    for (int64_t i = 0; i < count; ++i) wide[i] = ToSumType(x[first + i]);
    Forward<float>(count, static_cast<const float*>(wide), static_cast<float*>(wide));
    for (int64_t i = 0; i < count; ++i) y[first + i] = FromSumType<BFloat16>(wide[i]);
  }
}

template <>
void GeluGradient(int64_t size, const BFloat16* x, const BFloat16* dy, BFloat16* dx) {
  float wide[kBlock], gradient[kBlock];
  for (int64_t first = 0; first < size; first += kBlock) {
    const int64_t count = std::min(kBlock, size - first);
    for (int64_t i = 0; i < count; ++i) wide[i] = ToSumType(x[first + i]);
    for (int64_t i = 0; i < count; ++i) gradient[i] = ToSumType(dy[first + i]);
    Backward<float>(count, static_cast<const float*>(wide), static_cast<const float*>(gradient),
                    static_cast<float*>(gradient));
    for (int64_t i = 0; i < count; ++i) dx[first + i] = FromSumType<BFloat16>(gradient[i]);
  }
}

template void GeluOf(int64_t, const float*, float*);
template void GeluOf(int64_t, const double*, double*);
template void GeluGradient(int64_t, const float*, const float*, float*);
template void GeluGradient(int64_t, const double*, const double*, double*);

}  // namespace orbit::kernels
#endif  // HWY_ONCE
