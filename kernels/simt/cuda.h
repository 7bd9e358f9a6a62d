// The part of CUDA C++ that our kernels use, on the host, with the names and meanings of NVIDIA's programming guide.
//
// kernels/cuda/gpu.h includes this when a kernel is compiled for the emulator. Names are global, as in CUDA.
#ifndef ORBIT_KERNELS_SIMT_CUDA_H_
#define ORBIT_KERNELS_SIMT_CUDA_H_

#include <math.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "kernels/simt/launch.h"
#include "kernels/simt/warp.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __constant__ const
#define __grid_constant__

// ---- where a thread is ----

using dim3 = orbit::kernels::simt::Extent;
#define threadIdx (::orbit::kernels::simt::place->thread)
#define blockIdx (::orbit::kernels::simt::place->block)
#define blockDim (::orbit::kernels::simt::place->threads)
#define gridDim (::orbit::kernels::simt::place->blocks)
inline constexpr int warpSize = 32;

// ---- vector types ----

#define ORBIT_VECTOR_TYPES(T, name, alignment2, alignment4)          \
  struct alignas(alignment2) name##2 {                               \
    T x, y;                                                          \
  };                                                                 \
  struct alignas(alignment4) name##4 {                               \
    T x, y, z, w;                                                    \
  };                                                                 \
  struct name##3 {                                                   \
    T x, y, z;                                                       \
  };                                                                 \
  inline name##2 make_##name##2(T x, T y) { return {x, y}; }         \
  inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; } \
  inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
ORBIT_VECTOR_TYPES(float, float, 8, 16)
ORBIT_VECTOR_TYPES(double, double, 16, 16)
ORBIT_VECTOR_TYPES(int, int, 8, 16)
ORBIT_VECTOR_TYPES(unsigned, uint, 8, 16)
#undef ORBIT_VECTOR_TYPES

// ---- barriers ----

inline void __syncthreads(std::source_location where = std::source_location::current()) {
  orbit::kernels::simt::Meet({.what = "__syncthreads", .where = where, .orders_memory = true});
}

inline void __syncwarp(unsigned mask = 0xffffffffu, std::source_location where = std::source_location::current()) {
  orbit::kernels::simt::Meet({.what = "__syncwarp", .where = where, .lanes = mask, .orders_memory = true});
}

inline int __syncthreads_or(int predicate, std::source_location where = std::source_location::current()) {
  return orbit::kernels::simt::CountInBlock("__syncthreads_or", predicate, where) > 0;
}

inline int __syncthreads_count(int predicate, std::source_location where = std::source_location::current()) {
  return orbit::kernels::simt::CountInBlock("__syncthreads_count", predicate, where);
}

inline int __syncthreads_and(int predicate, std::source_location where = std::source_location::current()) {
  return orbit::kernels::simt::CountInBlock("__syncthreads_and", !predicate, where) == 0;
}

// Fences order what precedes them before what follows the next fence of another thread. A GPU promises this only if an
// atomic operation lies between.
inline void __threadfence() { orbit::kernels::simt::Fence(); }
inline void __threadfence_block() { orbit::kernels::simt::Fence(); }

// ---- shuffles and votes: they order no memory ----

template <class T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32,
              std::source_location where = std::source_location::current()) {
  const int own = orbit::kernels::simt::place->lane();
  return orbit::kernels::simt::Shuffle("__shfl_sync", mask, value, (own & -width) | (lane & (width - 1)), where);
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   std::source_location where = std::source_location::current()) {
  const int own = orbit::kernels::simt::place->lane(), from = own + static_cast<int>(delta);
  return orbit::kernels::simt::Shuffle("__shfl_down_sync", mask, value, from >= (own | (width - 1)) + 1 ? own : from,
                                       where);
}

template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 std::source_location where = std::source_location::current()) {
  const int own = orbit::kernels::simt::place->lane(), from = own - static_cast<int>(delta);
  return orbit::kernels::simt::Shuffle("__shfl_up_sync", mask, value, from < (own & -width) ? own : from, where);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32,
                  std::source_location where = std::source_location::current()) {
  const int own = orbit::kernels::simt::place->lane(), from = own ^ bits;
  return orbit::kernels::simt::Shuffle("__shfl_xor_sync", mask, value, from > (own | (width - 1)) ? own : from, where);
}

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              std::source_location where = std::source_location::current()) {
  return orbit::kernels::simt::Ballot("__ballot_sync", mask, predicate, where);
}

inline int __any_sync(unsigned mask, int predicate, std::source_location where = std::source_location::current()) {
  return orbit::kernels::simt::Ballot("__any_sync", mask, predicate, where) != 0;
}

inline int __all_sync(unsigned mask, int predicate, std::source_location where = std::source_location::current()) {
  return orbit::kernels::simt::Ballot("__all_sync", mask, !predicate, where) == 0;
}

// ---- atomic operations, relaxed as on a GPU ----

#define ORBIT_ATOMIC(name, change)                                                                     \
  template <class T>                                                                                   \
  T name(T* address, std::type_identity_t<T> value) {                                                  \
    orbit::kernels::simt::Yield();                                                                     \
    std::atomic_ref<T> reference(*address);                                                            \
    T old = reference.load(std::memory_order_relaxed);                                                 \
    while (!reference.compare_exchange_weak(old, static_cast<T>(change), std::memory_order_relaxed)) { \
    }                                                                                                  \
    return old;                                                                                        \
  }
ORBIT_ATOMIC(atomicAdd, old + value)
ORBIT_ATOMIC(atomicMax, std::max(old, value))
ORBIT_ATOMIC(atomicMin, std::min(old, value))
ORBIT_ATOMIC(atomicExch, value)
ORBIT_ATOMIC(atomicAnd, old& value)
ORBIT_ATOMIC(atomicOr, old | value)
#undef ORBIT_ATOMIC

template <class T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  orbit::kernels::simt::Yield();
  std::atomic_ref<T>(*address).compare_exchange_strong(expected, value, std::memory_order_relaxed);
  return expected;
}

// ---- asynchronous copies to shared memory (cuda_pipeline.h) ----

inline void __pipeline_memcpy_async(void* shared, const void* global, size_t size) {
  orbit::kernels::simt::CopyAsync(shared, global, size);
}
inline void __pipeline_commit() { orbit::kernels::simt::CommitCopies(); }
inline void __pipeline_wait_prior(int groups, std::source_location where = std::source_location::current()) {
  orbit::kernels::simt::WaitForCopies(groups, where);
}

// ---- loads, bits, arithmetic ----

template <class T>
T __ldg(const T* address) {
  return *address;
}

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }

inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }

inline float rsqrt(float x) { return 1.0f / std::sqrt(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline float rsqrtf(float x) { return rsqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dmul_rn(double x, double y) { return x * y; }
inline float __fdividef(float x, float y) { return x / y; }
using std::max;
using std::min;

// ---- shared memory ----

namespace orbit::kernels::simt {

template <class T>
T& Shared(const void* key) {
  return *static_cast<T*>(StaticShared(key, sizeof(T)));
}

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_CUDA_H_
