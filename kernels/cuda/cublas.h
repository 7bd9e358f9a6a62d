// Matrix products by cuBLASLt.
#ifndef ORBIT_KERNELS_CUDA_CUBLAS_H_
#define ORBIT_KERNELS_CUDA_CUBLAS_H_

#include <cstdint>

#include "kernels/device.h"
#include "kernels/matmul.h"

namespace orbit::kernels {

// What a product does beyond, of floats, and with a bias of bf16: C [m, n] is the product with what follows.
struct CublasEpilogue {
  enum Kind {
    kNone,
    kBias,          // C + bias [n]
    kBiasGradient,  // C; bias [m] receives the sums over k of op(A)
    kBiasGelu,      // GELU(C + bias) in its tanh approximation; gelu_input [m, n] receives C + bias
    kGeluGradient,  // C GELU'(gelu_input), same approximation; bias [n] receives its column sums
  };
  Kind kind = kNone;
  const void *bias = nullptr, *gelu_input = nullptr;
};

// What MatMul of kernels/matmul.h does; m, n, k and batch are positive, batch at most 65,535. The algorithm that
// cuBLASLt's heuristic finds is kept for the next product of the same sizes, alignment and precision. With
// Alternative::kTimedMatmul it is the fastest of the first eight, which the first such product of the process measures.
// CacheDirectory()/matmul_algorithms keeps it, so that other and later runs on such a GPU, driver and cuBLASLt have the
// same bits. A first product inside of a capture cannot be measured: unless the file has an algorithm for it, the
// process stays with the heuristic's and keeps nothing.
//
// False, and nothing is done, where cuBLASLt is left out (alternatives.h), has no algorithm or does not support the
// product with this epilogue: among others, rows of gelu_input must be multiples of 8 elements, and begin at 16 bytes.
// Throws Error where cuBLASLt is not found or fails.
//
// Where `start` is not null, beta times it, instead of beta times what is in c, is added; it is laid out as c.
template <class T, class U>
bool CublasMatMul(Cuda device, Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k,
                  const T* a, const T* b, const CublasEpilogue& epilogue, SumType<T> beta, U* c, int64_t batch,
                  int64_t a_stride, int64_t b_stride, int64_t c_stride, const U* start = nullptr);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_CUBLAS_H_
