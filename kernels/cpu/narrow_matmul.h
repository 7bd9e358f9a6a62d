// Matrix products in which one matrix is small. They are register-blocked and do no packing, on which a general BLAS
// would spend half of its time.
#ifndef ORBIT_KERNELS_CPU_NARROW_MATMUL_H_
#define ORBIT_KERNELS_CPU_NARROW_MATMUL_H_

#include <cstdint>

#include "kernels/matmul.h"

namespace orbit::kernels {

// Whether NarrowMatMul handles this product: many rows times a small matrix, or A^T B with many rows and a small
// result.
template <class T>
bool IsNarrow(Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k);

// C [m, n] = op(A) op(B) + bias + beta C, as MatMul in kernels/matmul.h. bias [n] is added to every row and may be
// null.
template <class T>
void NarrowMatMul(Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a, const T* b,
                  const T* bias, T beta, T* c);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CPU_NARROW_MATMUL_H_
