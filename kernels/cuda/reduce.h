// Sums over a warp and a block; the order of additions is always the same.
#ifndef ORBIT_KERNELS_CUDA_REDUCE_H_
#define ORBIT_KERNELS_CUDA_REDUCE_H_

#include "kernels/cuda/gpu.h"

namespace orbit::kernels {
namespace {

// Over each `kLanes` neighbouring lanes of a warp, all of which call; every one of them gets the sum.
template <int kLanes = 32, class T>
__device__ T WarpSum(T value) {
#pragma unroll
  for (int distance = kLanes / 2; distance > 0; distance /= 2) value += __shfl_xor_sync(kAllLanes, value, distance);
  return value;
}

// 32 sums over a warp at once: a lane gets the sum over the lanes of their values[lane]. `values` is used up. Each of
// the 5 steps halves what a lane has still to add: 31 shuffles in all.
template <int kHalf = 16, class T>
__device__ T WarpSums(T (&values)[32]) {
  const bool upper = threadIdx.x & kHalf;
#pragma unroll
  for (int i = 0; i < kHalf; ++i) {
    const T keep = upper ? values[i + kHalf] : values[i], give = upper ? values[i] : values[i + kHalf];
    values[i] = keep + __shfl_xor_sync(kAllLanes, give, kHalf);
  }
  if constexpr (kHalf > 1) return WarpSums<kHalf / 2>(values);
  return values[0];
}

// Over a block of kThreads, a multiple of 32, in one dimension; every thread gets the sum. All threads call it, any
// number of times.
template <int kThreads, class T>
__device__ T BlockSum(T value) {
  static_assert(kThreads % 32 == 0 && kThreads <= 1024);
  ORBIT_SHARED(sums, T[kThreads / 32]);
  value = WarpSum(value);
  __syncthreads();  // the sums of the call before have been read
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  T total = sums[0];
#pragma unroll
  for (int warp = 1; warp < kThreads / 32; ++warp) total += sums[warp];
  return total;
}

// *result = the sum of `count` partial sums, in an order that depends on the count alone; for one block.
template <int kThreads, class T>
__global__ void __launch_bounds__(kThreads) AddUp(int64_t count, const double* partial, T* result) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += kThreads) sum += partial[i];
  sum = BlockSum<kThreads>(sum);
  if (threadIdx.x == 0) *result = static_cast<T>(sum);
}

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_REDUCE_H_
