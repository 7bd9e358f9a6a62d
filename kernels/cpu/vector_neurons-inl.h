// The arithmetic of kernels/vector_neurons.h for one row and one vector of channels.
#if defined(ORBIT_KERNELS_CPU_VECTOR_NEURONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORBIT_KERNELS_CPU_VECTOR_NEURONS_INL_H_
#undef ORBIT_KERNELS_CPU_VECTOR_NEURONS_INL_H_
#else
#define ORBIT_KERNELS_CPU_VECTOR_NEURONS_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {

// One vector in space per lane.
template <class T>
struct Spatial {
  Vector<T> x, y, z;
};

template <class T>
HWY_INLINE Spatial<T> LoadSpatial(const T* from, int64_t stride) {
  const Tag<T> d;
  return {hn::LoadU(d, from), hn::LoadU(d, from + stride), hn::LoadU(d, from + 2 * stride)};
}

template <class T>
HWY_INLINE void StoreSpatial(const Spatial<T>& a, T* to, int64_t stride) {
  const Tag<T> d;
  hn::StoreU(a.x, d, to);
  hn::StoreU(a.y, d, to + stride);
  hn::StoreU(a.z, d, to + 2 * stride);
}

template <class T>
HWY_INLINE Vector<T> Dot(const Spatial<T>& a, const Spatial<T>& b) {
  return hn::MulAdd(a.x, b.x, hn::MulAdd(a.y, b.y, hn::Mul(a.z, b.z)));
}

template <class T>
HWY_INLINE Spatial<T> Sum(const Spatial<T>& a, const Spatial<T>& b) {
  return {hn::Add(a.x, b.x), hn::Add(a.y, b.y), hn::Add(a.z, b.z)};
}

template <class T>
HWY_INLINE Spatial<T> Times(const Spatial<T>& a, Vector<T> factor) {
  return {hn::Mul(a.x, factor), hn::Mul(a.y, factor), hn::Mul(a.z, factor)};
}

// a factor + b.
template <class T>
HWY_INLINE Spatial<T> TimesPlus(const Spatial<T>& a, Vector<T> factor, const Spatial<T>& b) {
  return {hn::MulAdd(a.x, factor, b.x), hn::MulAdd(a.y, factor, b.y), hn::MulAdd(a.z, factor, b.z)};
}

template <class M, class T>
HWY_INLINE Spatial<T> Select(M mask, const Spatial<T>& a, const Spatial<T>& b) {
  return {hn::IfThenElse(mask, a.x, b.x), hn::IfThenElse(mask, a.y, b.y), hn::IfThenElse(mask, a.z, b.z)};
}

template <class M, class T>
HWY_INLINE Spatial<T> SelectOrZero(M mask, const Spatial<T>& a) {
  return {hn::IfThenElseZero(mask, a.x), hn::IfThenElseZero(mask, a.y), hn::IfThenElseZero(mask, a.z)};
}

// BatchNorm(m) = scale (m - mean) + bias. The mean is subtracted first, as it may be many deviations from 0.
template <class T>
struct Affine {
  Vector<T> scale, mean, bias;
};

template <class T>
HWY_INLINE Vector<T> Normalize(const Affine<T>& norm, Vector<T> m) {
  return hn::MulAdd(norm.scale, hn::Sub(m, norm.mean), norm.bias);
}

template <class T>
HWY_INLINE Vector<T> Length(const Spatial<T>& a) {
  return hn::Sqrt(Dot(a, a));
}

template <class T>
HWY_INLINE Vector<T> WithEps(Vector<T> x) {
  return hn::Add(x, hn::Set(Tag<T>(), T(1e-6)));
}

// The inverse of a length, and 0 for the zero vector, whose length gets derivative 0.
template <class T>
HWY_INLINE Vector<T> Inverse(Vector<T> length) {
  const Tag<T> d;
  return hn::IfThenElseZero(hn::Gt(length, hn::Zero(d)), hn::Div(hn::Set(d, T(1)), length));
}

template <class T>
HWY_INLINE Spatial<T> Activate(const Spatial<T>& p, const Spatial<T>& d, const Affine<T>& norm) {
  const Tag<T> tag;
  const Vector<T> m = WithEps<T>(Length(p)), ratio = hn::Div(Normalize(norm, m), m);
  const Vector<T> below = hn::Min(hn::Mul(ratio, Dot(p, d)), hn::Zero(tag));
  const Vector<T> along = hn::Div(hn::Mul(hn::Set(tag, T(-0.8)), below), WithEps<T>(Dot(d, d)));
  return TimesPlus(d, along, Times(p, ratio));
}

template <class T>
struct ActivationGradient {
  Vector<T> m;
  Vector<T> db;   // gradient of b = BatchNorm(m)
  Spatial<T> dp;  // gradient of p, with mean and variance held constant
  Spatial<T> dd;
};

template <class T>
HWY_INLINE ActivationGradient<T> ActivateBackward(const Spatial<T>& p, const Spatial<T>& d, const Affine<T>& norm,
                                                  const Spatial<T>& dy) {
  const Tag<T> tag;
  const Vector<T> one = hn::Set(tag, T(1));
  const Vector<T> length = Length(p), m = WithEps<T>(length);
  const Vector<T> inverse_m = hn::Div(one, m), inverse_square = hn::Div(one, WithEps<T>(Dot(d, d)));
  const Vector<T> ratio = hn::Mul(Normalize(norm, m), inverse_m);
  const Vector<T> dot = hn::Mul(ratio, Dot(p, d));  // q . d
  const auto is_below = hn::Lt(dot, hn::Zero(tag));
  // y = q + factor (q . d) d, with factor = -0.8 / (d . d + eps) if q . d < 0, else 0.
  const Vector<T> factor = hn::IfThenElseZero(is_below, hn::Mul(hn::Set(tag, T(-0.8)), inverse_square));
  const Vector<T> g = Dot(dy, d), factor_g = hn::Mul(factor, g), along = hn::Mul(factor, dot);
  const Spatial<T> dq = TimesPlus(d, factor_g, dy);
  const Vector<T> db = hn::Mul(Dot(dq, p), inverse_m);
  const Vector<T> on_d = hn::Mul(hn::Set(tag, T(-2)), hn::Mul(hn::Mul(along, g), inverse_square));
  const Vector<T> radial = hn::Mul(hn::Mul(hn::Sub(norm.scale, ratio), db), Inverse<T>(length));
  return {m, db, TimesPlus(p, radial, Times(dq, ratio)),
          TimesPlus(p, hn::Mul(factor_g, ratio), TimesPlus(dy, along, Times(d, on_d)))};
}

// Copies `count` numbers in whole vectors; the last vector overlaps the one before.
template <class T>
HWY_INLINE void CopyRow(const T* HWY_RESTRICT from, int64_t count, T* HWY_RESTRICT to) {
  constexpr int64_t kN = kLanes<T>;
  const Tag<T> d;
  if (count < kN) {
    for (int64_t i = 0; i < count; ++i) to[i] = from[i];
    return;
  }
  for (int64_t i = 0; i < count; i += kN) {
    const int64_t at = std::min(i, count - kN);
    hn::StoreU(hn::LoadU(d, from + at), d, to + at);
  }
}

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
