// Dense products by cuBLASLt.
#ifndef ORBIT_KERNELS_CUDA_CUBLAS_H_
#define ORBIT_KERNELS_CUDA_CUBLAS_H_

#include <cstdint>

#include "kernels/device.h"
#include "kernels/matmul.h"

namespace orbit::kernels {

// What MatMul of kernels/matmul.h does, with the bias [n], of floats alone, added where it is not null; m, n, k and
// batch are positive. The algorithm that cuBLASLt's heuristic finds is kept for the next product of the same sizes,
// alignment and precision. Throws std::runtime_error where cuBLASLt is not found or refuses.
template <class T>
void CublasMatMul(Cuda device, Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k,
                  const T* a, const T* b, const T* bias, T beta, T* c, int64_t batch, int64_t a_stride,
                  int64_t b_stride, int64_t c_stride);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_CUBLAS_H_
