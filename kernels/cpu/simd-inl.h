// Shared by all vectorised kernels: vectors of T as wide as the target's, and loads and stores of partial vectors.
//
// Included once per target: -inl.h files live in the target's namespace (see Highway's foreach_target.h).
#if defined(ORBIT_KERNELS_CPU_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORBIT_KERNELS_CPU_SIMD_INL_H_
#undef ORBIT_KERNELS_CPU_SIMD_INL_H_
#else
#define ORBIT_KERNELS_CPU_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
using Vector = hn::Vec<Tag<T>>;

template <class T>
constexpr int64_t kLanes = hn::MaxLanes(Tag<T>());

inline constexpr int64_t RoundUp(int64_t size, int64_t multiple) { return (size + multiple - 1) / multiple * multiple; }

// Loads the first `count` lanes of a vector and nothing beyond them; the other lanes are 0.
template <class T>
HWY_INLINE Vector<T> LoadFirst(const T* from, int64_t count) {
  const Tag<T> d;
  if (count >= kLanes<T>) return hn::LoadU(d, from);
  HWY_ALIGN T lanes[kLanes<T>] = {};
  std::memcpy(lanes, from, static_cast<size_t>(count) * sizeof(T));
  return hn::Load(d, lanes);
}

template <class T>
HWY_INLINE void StoreFirst(Vector<T> vector, T* to, int64_t count) {
  const Tag<T> d;
  if (count >= kLanes<T>) return hn::StoreU(vector, d, to);
  HWY_ALIGN T lanes[kLanes<T>];
  hn::Store(vector, d, lanes);
  std::memcpy(to, lanes, static_cast<size_t>(count) * sizeof(T));
}

// Zeroes the lanes from `count` on.
template <class T>
HWY_INLINE Vector<T> KeepFirst(Vector<T> vector, int64_t count) {
  return count >= kLanes<T> ? vector : hn::IfThenElseZero(hn::FirstN(Tag<T>(), static_cast<size_t>(count)), vector);
}

template <class T>
HWY_INLINE T SumOfLanes(Vector<T> vector) {
  return hn::GetLane(hn::SumOfLanes(Tag<T>(), vector));
}

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
