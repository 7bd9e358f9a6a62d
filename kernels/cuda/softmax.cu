#include <limits>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/softmax.h"

namespace orbit::kernels {
namespace {

// A warp has a row, a lane every 32nd element, which after the first pass comes from the cache.
constexpr int kThreads = 256, kWarps = kThreads / 32;

// Bytes: x and y once.
template <class T>
__global__ void __launch_bounds__(kThreads) ForwardKernel(int64_t rows, int64_t width, const T* x, T* y) {
  using S = SumType<T>;
  const int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  if (row >= rows) return;
  x += row * width;
  y += row * width;
  const int lane = threadIdx.x % 32;
  S largest = -std::numeric_limits<S>::infinity(), sum = 0;
  for (int64_t c = lane; c < width; c += 32) largest = max(largest, ToSumType(x[c]));
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    largest = max(largest, __shfl_xor_sync(kAllLanes, largest, distance));
  if (largest == -std::numeric_limits<S>::infinity()) {
    largest = 0;
    sum = 1;
  } else {
    for (int64_t c = lane; c < width; c += 32) sum += exp(ToSumType(x[c]) - largest);
    sum = WarpSum(sum);
  }
  for (int64_t c = lane; c < width; c += 32) y[c] = FromSumType<T>(exp(ToSumType(x[c]) - largest) / sum);
}

// Bytes: y, dy and dx once.
template <class T>
__global__ void __launch_bounds__(kThreads)
    BackwardKernel(int64_t rows, int64_t width, const T* y, const T* dy, T* dx) {
  using S = SumType<T>;
  const int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  if (row >= rows) return;
  const int lane = threadIdx.x % 32;
  S along = 0;
  for (int64_t c = row * width + lane; c < (row + 1) * width; c += 32) along += ToSumType(y[c]) * ToSumType(dy[c]);
  along = WarpSum(along);
  for (int64_t c = row * width + lane; c < (row + 1) * width; c += 32)
    dx[c] = FromSumType<T>(ToSumType(y[c]) * (ToSumType(dy[c]) - along));
}

}  // namespace

template <class Device, class T>
void SoftmaxForward(Device gpu, int64_t rows, int64_t width, const T* x, T* y) {
  if (rows * width == 0) return;
  Launch("SoftmaxForward", gpu, dim3(DivideUp<int64_t>(rows, kWarps)), dim3(kThreads), 0, ForwardKernel<T>, rows, width,
         x, y);
}

template <class Device, class T>
void SoftmaxBackward(Device gpu, int64_t rows, int64_t width, const T* y, const T* dy, T* dx) {
  if (rows * width == 0) return;
  Launch("SoftmaxBackward", gpu, dim3(DivideUp<int64_t>(rows, kWarps)), dim3(kThreads), 0, BackwardKernel<T>, rows,
         width, y, dy, dx);
}

#define ORBIT_INSTANTIATE(T)                                         \
  template void SoftmaxForward(Gpu, int64_t, int64_t, const T*, T*); \
  template void SoftmaxBackward(Gpu, int64_t, int64_t, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
