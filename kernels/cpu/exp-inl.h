#if defined(ORBIT_KERNELS_CPU_EXP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORBIT_KERNELS_CPU_EXP_INL_H_
#undef ORBIT_KERNELS_CPU_EXP_INL_H_
#else
#define ORBIT_KERNELS_CPU_EXP_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>

#include <cstdint>
#include <type_traits>

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {

// exp(x) for x <= 88 (float) or 700 (double). The float version has an error of at most 2 ulp, returns 0 where the
// result would be subnormal, and takes half the time of Highway's Exp, which computes doubles.
template <class T>
HWY_INLINE Vector<T> Exp(Vector<T> x) {
  const Tag<T> d;
  if constexpr (std::is_same_v<T, double>) {
    return hn::Exp(d, x);
  } else {
    // x = n log 2 + r. Adding `shift` rounds x / log 2 to the integer n and leaves n + 127, the biased exponent of 2^n,
    // in the low bits.
    const auto shift = hn::Set(d, 12582912.0f + 127.0f);
    const auto shifted = hn::MulAdd(x, hn::Set(d, 1.44269504f), shift);
    const auto n = hn::Sub(shifted, shift);
    auto r = hn::NegMulAdd(n, hn::Set(d, 0.693145752f), x);
    r = hn::NegMulAdd(n, hn::Set(d, 1.42860677e-6f), r);
    // A polynomial for exp(r); its relative error is 3e-9 for |r| <= log(2) / 2.
    auto y = hn::MulAdd(r, hn::Set(d, 1.381461059561077e-3f), hn::Set(d, 8.368711292682117e-3f));
    y = hn::MulAdd(r, y, hn::Set(d, 4.16683874994339e-2f));
    y = hn::MulAdd(r, y, hn::Set(d, 0.16666520677726576f));
    y = hn::MulAdd(r, y, hn::Set(d, 0.4999999345090002f));
    y = hn::MulAdd(r, y, hn::Set(d, 1.0f));
    y = hn::MulAdd(r, y, hn::Set(d, 1.0f));
    const hn::RebindToUnsigned<Tag<T>> bits;
    const auto power = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(bits, shifted)));
    return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -87.3f)), hn::Mul(y, power));
  }
}

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
