// Sums over a warp and over a block, in a fixed order.
#ifndef ORBIT_KERNELS_CUDA_REDUCE_H_
#define ORBIT_KERNELS_CUDA_REDUCE_H_

#include "kernels/cuda/gpu.h"

namespace orbit::kernels {
namespace {

// The sum over each `kLanes` neighbouring lanes; all lanes of the warp call it, and all get the sum.
template <int kLanes = 32, class T>
__device__ T WarpSum(T value) {
#pragma unroll
  for (int distance = kLanes / 2; distance > 0; distance /= 2) value += __shfl_xor_sync(kAllLanes, value, distance);
  return value;
}

// Computes 32 sums over a warp at once: lane l gets the sum of values[l] over all lanes. `values` is overwritten. Each
// of the 5 steps halves the number of values per lane, in 31 shuffles altogether.
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

// The sum over a one-dimensional block of kThreads, a multiple of 32. All threads call it, any number of times, and all
// get the sum.
template <int kThreads, class T>
__device__ T BlockSum(T value) {
  static_assert(kThreads % 32 == 0 && kThreads <= 1024);
  ORBIT_SHARED(sums, T[kThreads / 32]);
  value = WarpSum(value);
  __syncthreads();  // the previous call's sums have been read
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  T total = sums[0];
#pragma unroll
  for (int warp = 1; warp < kThreads / 32; ++warp) total += sums[warp];
  return total;
}

// *result = sum of `count` partial sums, in an order that depends only on the count. For a single block.
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
