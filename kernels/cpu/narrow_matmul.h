// Products of matrices of which one is small, register-blocked and without packing: a general BLAS spends half of its
// time around them.
#ifndef ORBIT_KERNELS_CPU_NARROW_MATMUL_H_
#define ORBIT_KERNELS_CPU_NARROW_MATMUL_H_

#include <cstdint>

#include "kernels/matmul.h"

namespace orbit::kernels {

// Whether NarrowMatMul is for this product: many rows times a small matrix, or a small sum of many outer products.
template <class T>
bool IsNarrow(Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k);

// C [m, n] = op(A) op(B) + bias + beta C, as MatMul in kernels/matmul.h; bias [n], for every row, may be null.
template <class T>
void NarrowMatMul(Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a, const T* b,
                  const T* bias, T beta, T* c);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CPU_NARROW_MATMUL_H_
