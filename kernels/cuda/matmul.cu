#include "kernels/cuda/gpu.h"
#include "kernels/elementwise.h"
#include "kernels/matmul.h"

#ifdef __CUDACC__
#include "kernels/cuda/cublas.h"
#endif

// cuBLASLt computes the products; in the emulator the host does.
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

#define ORBIT_SPECIALISE_MATMUL(T, U)                                                                               \
  template <>                                                                                                       \
  void MatMul(Gpu gpu, Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a,   \
              const T* b, SumType<T> beta, U* c, int64_t batch, int64_t a_stride, int64_t b_stride,                 \
              int64_t c_stride) {                                                                                   \
    if (m * n * batch == 0) return;                                                                                 \
    if (k > 0)                                                                                                      \
      CublasMatMul(gpu, transpose_a, transpose_b, m, n, k, a, b, {}, beta, c, batch, a_stride, b_stride, c_stride); \
    else if (beta == 0)                                                                                             \
      for (int64_t i = 0; i < batch; ++i)                                                                           \
        CheckCuda("MatMul", cudaMemsetAsync(c + i * c_stride, 0, m * n * sizeof(U), gpu.stream));                   \
  }

#define ORBIT_SPECIALISE_LINEAR(T)                                                                                   \
  template <>                                                                                                        \
  void LinearForward(Gpu gpu, int64_t rows, int64_t in, int64_t out, const T* x, const T* weight, const T* bias,     \
                     T* y) {                                                                                         \
    if (rows * out == 0) return;                                                                                     \
    if (in > 0 && (!bias || !std::is_same_v<T, double>)) { /* cuBLASLt adds no bias in double */                     \
      const CublasEpilogue epilogue = {bias ? CublasEpilogue::kBias : CublasEpilogue::kNone, bias, nullptr};         \
      CublasMatMul(gpu, Transpose::kNo, Transpose::kYes, rows, out, in, x, weight, epilogue, SumType<T>(0), y, 1, 0, \
                   0, 0);                                                                                            \
      return;                                                                                                        \
    }                                                                                                                \
    if (bias) BroadcastRow(gpu, rows, out, bias, y);                                                                 \
    MatMul(gpu, Transpose::kNo, Transpose::kYes, rows, out, in, x, weight, SumType<T>(bias ? 1 : 0), y, int64_t{1},  \
           int64_t{0}, int64_t{0}, int64_t{0});                                                                      \
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

#define ORBIT_SPECIALISE_LINEAR(T)                                                                                   \
  template <>                                                                                                        \
  void LinearForward(Gpu, int64_t rows, int64_t in, int64_t out, const T* x, const T* weight, const T* bias, T* y) { \
    simt::Submit([=] { LinearForward(Cpu(), rows, in, out, x, weight, bias, y); });                                  \
  }

#endif

#define ORBIT_INSTANTIATE(T)                                       \
  ORBIT_SPECIALISE_MATMUL(T, T)                                    \
  ORBIT_SPECIALISE_LINEAR(T)                                       \
  template void BroadcastRow(Gpu, int64_t, int64_t, const T*, T*); \
  template void ColumnSums(Gpu, int64_t, int64_t, const T*, SumType<T>*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE
ORBIT_SPECIALISE_MATMUL(BFloat16, float)

}  // namespace orbit::kernels
