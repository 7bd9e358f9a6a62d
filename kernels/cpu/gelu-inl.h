// GELU on arrays: gelu(x) = x Phi(x), where Phi is the normal distribution function.
#if defined(ORBIT_KERNELS_CPU_GELU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORBIT_KERNELS_CPU_GELU_INL_H_
#undef ORBIT_KERNELS_CPU_GELU_INL_H_
#else
#define ORBIT_KERNELS_CPU_GELU_INL_H_
#endif

#include <cmath>
#include <cstdint>
#include <numbers>
#include <type_traits>

#include "kernels/cpu/exp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {

template <class T>
struct Normal {
  Vector<T> distribution, density;  // Phi(x) and phi(x) = Phi'(x)
};

// Phi with an error below 1e-7 (float) or 1e-15 (double), also in its lower tail, and phi. Both use
//   Phi(-|x|) = exp(-x^2 / 2) R(|x|);
// for float, R is a polynomial in 1 / (1 + 0.275 |x|), fitted so that Phi's error before rounding is 5e-9.
template <class T>
HWY_INLINE Normal<T> NormalAt(Vector<T> x) {
  const Tag<T> d;
  const auto exp = Exp<T>(hn::Mul(hn::Mul(x, x), hn::Set(d, T(-0.5))));
  const auto density = hn::Mul(exp, hn::Set(d, T(0.3989422804014326779)));
  if constexpr (std::is_same_v<T, double>) {
    HWY_ALIGN double lanes[kLanes<double>];
    hn::Store(x, d, lanes);
    for (double& lane : lanes) lane = 0.5 * std::erfc(lane * (-std::numbers::sqrt2 / 2));
    return {hn::Load(d, lanes), density};
  } else {
    const auto one = hn::Set(d, 1.0f);
    const auto t = hn::Div(one, hn::MulAdd(hn::Abs(x), hn::Set(d, 0.275f), one));
    auto ratio = hn::MulAdd(t, hn::Set(d, -0.1148582279f), hn::Set(d, 0.4519983017f));
    ratio = hn::MulAdd(t, ratio, hn::Set(d, -0.3309927504f));
    ratio = hn::MulAdd(t, ratio, hn::Set(d, 0.3339317785f));
    ratio = hn::MulAdd(t, ratio, hn::Set(d, 0.04211168006f));
    ratio = hn::MulAdd(t, ratio, hn::Set(d, 0.1178092228f));
    const auto tail = hn::Mul(hn::Mul(t, exp), ratio);
    return {hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail)), density};
  }
}

// y = gelu(x).
template <class T>
void Gelu(int64_t size, const T* x, T* y) {
  for (int64_t i = 0; i < size; i += kLanes<T>) {
    const Vector<T> v = LoadFirst(x + i, size - i);
    StoreFirst(hn::Mul(v, NormalAt<T>(v).distribution), y + i, size - i);
  }
}

// dx = dy gelu'(x) with gelu'(x) = Phi(x) + x phi(x); also y = gelu(x) unless y is null. dx may be dy.
template <class T>
void GeluBackward(int64_t size, const T* x, const T* dy, T* dx, T* y) {
  for (int64_t i = 0; i < size; i += kLanes<T>) {
    const Vector<T> v = LoadFirst(x + i, size - i);
    const Normal<T> normal = NormalAt<T>(v);
    const Vector<T> slope = hn::MulAdd(v, normal.density, normal.distribution);
    StoreFirst(hn::Mul(LoadFirst(dy + i, size - i), slope), dx + i, size - i);
    if (y) StoreFirst(hn::Mul(v, normal.distribution), y + i, size - i);
  }
}

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
