#include "kernels/cuda/gpu.h"
#include "kernels/vector_max_pool.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 256;

// A thread per channel of a set; neighbouring threads have neighbouring channels. Bytes: x and direction once, the
// chosen vectors of x a second time, y and choice once.
template <class T>
__global__ void __launch_bounds__(kThreads)
    PoolKernel(int64_t size, int64_t m, int64_t channels, const T* x, const T* direction, T* y, int32_t* choice) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= size) return;
  const int64_t set = i / channels, c = i % channels;
  const auto vector = [&](const T* from, int64_t member, int axis) {
    return from[((set * m + member) * 3 + axis) * channels + c];
  };
  T best = 0;
  int chosen = 0;
  for (int64_t j = 0; j < m; ++j) {
    T reach = 0;
#pragma unroll
    for (int axis = 0; axis < 3; ++axis) reach += vector(x, j, axis) * vector(direction, j, axis);
    if (j > 0 && !(reach > best)) continue;
    best = reach;
    chosen = static_cast<int>(j);
  }
  choice[i] = chosen;
#pragma unroll
  for (int axis = 0; axis < 3; ++axis) y[(set * 3 + axis) * channels + c] = vector(x, chosen, axis);
}

// A thread per element of dx. Bytes: dx once; dy and choice once, as long as they stay in cache.
template <class T>
__global__ void __launch_bounds__(kThreads)
    BackwardKernel(int64_t size, int64_t m, int64_t channels, const int32_t* choice, const T* dy, T* dx) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= size) return;
  const int64_t c = i % channels, axis = i / channels % 3, member = i / (3 * channels) % m,
                set = i / (3 * channels * m);
  dx[i] = choice[set * channels + c] == member ? dy[(set * 3 + axis) * channels + c] : T(0);
}

}  // namespace

template <class Device, class T>
void VectorMaxPool(Device gpu, int64_t sets, int64_t m, int64_t channels, const T* x, const T* direction, T* y,
                   int32_t* choice) {
  if (sets * channels == 0) return;
  Launch("VectorMaxPool", gpu, dim3(DivideUp<int64_t>(sets * channels, kThreads)), dim3(kThreads), 0, PoolKernel<T>,
         sets * channels, m, channels, x, direction, y, choice);
}

template <class Device, class T>
void VectorMaxPoolBackward(Device gpu, int64_t sets, int64_t m, int64_t channels, const int32_t* choice, const T* dy,
                           T* dx) {
  const int64_t size = sets * m * 3 * channels;
  if (size == 0) return;
  Launch("VectorMaxPoolBackward", gpu, dim3(DivideUp<int64_t>(size, kThreads)), dim3(kThreads), 0, BackwardKernel<T>,
         size, m, channels, choice, dy, dx);
}

#define ORBIT_INSTANTIATE(T)                                                                     \
  template void VectorMaxPool(Gpu, int64_t, int64_t, int64_t, const T*, const T*, T*, int32_t*); \
  template void VectorMaxPoolBackward(Gpu, int64_t, int64_t, int64_t, const int32_t*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
