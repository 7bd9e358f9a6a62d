#include "kernels/cuda/gpu.h"
#include "kernels/cuda/vector.h"
#include "kernels/diagonal.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 256;

// A thread writes one vector of the result. Bytes: Diagonal reads and writes the size of y; DiagonalEmbed reads x and
// writes y.
template <class V>
__global__ void __launch_bounds__(kThreads)
    DiagonalKernel(int64_t size, int64_t n, int64_t channels, const V* x, V* y) {
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= size) return;
  const int64_t node = at / channels, c = at % channels, i = node % n;
  y[at] = x[(node * n + i) * channels + c];
}

template <class V>
__global__ void __launch_bounds__(kThreads)
    DiagonalEmbedKernel(int64_t size, int64_t n, int64_t channels, const V* x, V* y) {
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= size) return;
  const int64_t pair = at / channels, c = at % channels, node = pair / n;
  y[at] = pair % n == node % n ? x[node * channels + c] : V{};
}

}  // namespace

template <class Device, class T>
void Diagonal(Device gpu, int64_t rows, int64_t n, int64_t channels, const T* x, T* y) {
  const auto launch = [&]<int kWidth>() {
    using V = Vector<T, kWidth>;
    const int64_t size = rows * n * channels / kWidth;
    if (size == 0) return;
    Launch("Diagonal", gpu, dim3(DivideUp<int64_t>(size, kThreads)), dim3(kThreads), 0, DiagonalKernel<V>, size, n,
           channels / kWidth, reinterpret_cast<const V*>(x), reinterpret_cast<V*>(y));
  };
  ForVectors<T>(channels, launch, x, y);
}

template <class Device, class T>
void DiagonalEmbed(Device gpu, int64_t rows, int64_t n, int64_t channels, const T* x, T* y) {
  const auto launch = [&]<int kWidth>() {
    using V = Vector<T, kWidth>;
    const int64_t size = rows * n * n * channels / kWidth;
    if (size == 0) return;
    Launch("DiagonalEmbed", gpu, dim3(DivideUp<int64_t>(size, kThreads)), dim3(kThreads), 0, DiagonalEmbedKernel<V>,
           size, n, channels / kWidth, reinterpret_cast<const V*>(x), reinterpret_cast<V*>(y));
  };
  ForVectors<T>(channels, launch, x, y);
}

#define ORBIT_INSTANTIATE(T)                                            \
  template void Diagonal(Gpu, int64_t, int64_t, int64_t, const T*, T*); \
  template void DiagonalEmbed(Gpu, int64_t, int64_t, int64_t, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
