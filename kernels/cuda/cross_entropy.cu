#include <limits>

#include "kernels/cross_entropy.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"

namespace orbit::kernels {
namespace {

// A warp has a row, a lane every 32nd class, which after the first pass comes from the cache.
constexpr int kThreads = 256, kWarps = kThreads / 32;

// Every lane gets it.
template <class T>
__device__ T LogSumExp(int64_t classes, const T* x) {
  const int lane = threadIdx.x % 32;
  T largest = -std::numeric_limits<T>::infinity(), sum = 0;
  for (int64_t c = lane; c < classes; c += 32) largest = max(largest, x[c]);
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    largest = max(largest, __shfl_xor_sync(kAllLanes, largest, distance));
  for (int64_t c = lane; c < classes; c += 32) sum += exp(x[c] - largest);
  return largest + log(WarpSum(sum));
}

// weight[t], 0 where t is ignored, NaN where it is no class.
template <class T>
__device__ T WeightOf(int64_t t, int64_t classes, int64_t ignored, const T* weight) {
  if (t == ignored) return 0;
  if (t < 0 || t >= classes) return std::numeric_limits<T>::quiet_NaN();
  return weight ? weight[t] : T(1);
}

// Bytes: x once.
template <class T>
__global__ void __launch_bounds__(kThreads)
    ForwardKernel(int64_t rows, int64_t classes, const T* x, const int64_t* target, int64_t ignored, const T* weight,
                  T* losses) {
  const int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  if (row >= rows) return;
  const T log_sum = LogSumExp(classes, x + row * classes);
  if (threadIdx.x % 32 > 0) return;
  const int64_t t = target[row];
  const T w = WeightOf(t, classes, ignored, weight);
  losses[row] = t >= 0 && t < classes && t != ignored ? w * (log_sum - x[row * classes + t]) : w;
}

// Bytes: x and dx once.
template <class T>
__global__ void __launch_bounds__(kThreads)
    BackwardKernel(int64_t rows, int64_t classes, const T* x, const int64_t* target, int64_t ignored, const T* weight,
                   const T* dlosses, T* dx) {
  const int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  if (row >= rows) return;
  const T log_sum = LogSumExp(classes, x + row * classes);
  const int64_t t = target[row];
  const T w = WeightOf(t, classes, ignored, weight);
  for (int64_t c = threadIdx.x % 32; c < classes; c += 32)
    dx[row * classes + c] =
        t == ignored ? T(0) : dlosses[row] * w * (exp(x[row * classes + c] - log_sum) - (c == t ? T(1) : T(0)));
}

}  // namespace

template <class Device, class T>
void CrossEntropyForward(Device gpu, int64_t rows, int64_t classes, const T* x, const int64_t* target, int64_t ignored,
                         const T* weight, T* losses) {
  if (rows == 0) return;
  Launch("CrossEntropyForward", gpu, dim3(DivideUp<int64_t>(rows, kWarps)), dim3(kThreads), 0, ForwardKernel<T>, rows,
         classes, x, target, ignored, weight, losses);
}

template <class Device, class T>
void CrossEntropyBackward(Device gpu, int64_t rows, int64_t classes, const T* x, const int64_t* target, int64_t ignored,
                          const T* weight, const T* dlosses, T* dx) {
  if (rows == 0) return;
  Launch("CrossEntropyBackward", gpu, dim3(DivideUp<int64_t>(rows, kWarps)), dim3(kThreads), 0, BackwardKernel<T>, rows,
         classes, x, target, ignored, weight, dlosses, dx);
}

#define ORBIT_INSTANTIATE(T)                                                                                 \
  template void CrossEntropyForward(Gpu, int64_t, int64_t, const T*, const int64_t*, int64_t, const T*, T*); \
  template void CrossEntropyBackward(Gpu, int64_t, int64_t, const T*, const int64_t*, int64_t, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
