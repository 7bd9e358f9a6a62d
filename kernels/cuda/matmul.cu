#include <algorithm>

#include "kernels/cuda/gpu.h"
#include "kernels/elementwise.h"
#include "kernels/matmul.h"

#ifdef __CUDACC__
#include "kernels/cuda/cublas.h"
#include "kernels/cuda/plain_matmul.h"
#endif

// cuBLASLt computes the products, and a kernel those that it does not; in the emulator the host does.
namespace orbit::kernels {

template <class Device, class T>
void BroadcastRow(Device gpu, int64_t rows, int64_t columns, const T* bias, T* y) {
  ExpandAxis(gpu, 1, rows, columns, SumType<T>(1), bias, y);
}

template <class Device, class T>
void ColumnSums(Device gpu, int64_t rows, int64_t columns, const T* x, SumType<T>* sums) {
  SumAxis(gpu, 1, rows, columns, SumType<T>(1), x, sums);
}

#ifdef __CUDACC__

namespace {

template <class T, class U>
void Multiply(Gpu gpu, Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a,
              const T* b, SumType<T> beta, U* c, int64_t batch, int64_t a_stride, int64_t b_stride, int64_t c_stride) {
  if (m * n * batch == 0) return;
  constexpr int64_t kMostAtOnce = 65535;  // problems, along one of a grid's dimensions
  for (int64_t first = 0; first < batch; first += kMostAtOnce) {
    const int64_t count = std::min(kMostAtOnce, batch - first);
    const T *x = a + first * a_stride, *y = b + first * b_stride;
    U* z = c + first * c_stride;
    if (k == 0 ||
        !CublasMatMul(gpu, transpose_a, transpose_b, m, n, k, x, y, {}, beta, z, count, a_stride, b_stride, c_stride))
      PlainMatMul(gpu, transpose_a, transpose_b, m, n, k, x, y, beta, z, count, a_stride, b_stride, c_stride);
  }
}

}  // namespace

#define ORBIT_SPECIALISE_MATMUL(T, U)                                                                             \
  template <>                                                                                                     \
  void MatMul(Gpu gpu, Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a, \
              const T* b, SumType<T> beta, U* c, int64_t batch, int64_t a_stride, int64_t b_stride,               \
              int64_t c_stride) {                                                                                 \
    Multiply(gpu, transpose_a, transpose_b, m, n, k, a, b, beta, c, batch, a_stride, b_stride, c_stride);         \
  }

#else

#define ORBIT_SPECIALISE_MATMUL(T, U)                                                                         \
  template <>                                                                                                 \
  void MatMul(Gpu, Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a, \
              const T* b, SumType<T> beta, U* c, int64_t batch, int64_t a_stride, int64_t b_stride,           \
              int64_t c_stride) {                                                                             \
    simt::Submit([=] {                                                                                        \
      MatMul(Cpu(), transpose_a, transpose_b, m, n, k, a, b, beta, c, batch, a_stride, b_stride, c_stride);   \
    });                                                                                                       \
  }

#endif

#define ORBIT_INSTANTIATE(T)                                       \
  ORBIT_SPECIALISE_MATMUL(T, T)                                    \
  template void BroadcastRow(Gpu, int64_t, int64_t, const T*, T*); \
  template void ColumnSums(Gpu, int64_t, int64_t, const T*, SumType<T>*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE
ORBIT_SPECIALISE_MATMUL(BFloat16, float)

}  // namespace orbit::kernels
