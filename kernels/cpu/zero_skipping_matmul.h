// Products whose left matrix has zeros in the same columns of neighbouring rows, as the outputs and gradients of a ReLU
// have for similar inputs. Rows are taken in small groups, and a column is multiplied only if one of the group's rows
// is nonzero there.
#ifndef ORBIT_KERNELS_CPU_ZERO_SKIPPING_MATMUL_H_
#define ORBIT_KERNELS_CPU_ZERO_SKIPPING_MATMUL_H_

#include <cstdint>

#include "kernels/matmul.h"

namespace orbit::kernels {

// C [m, n] = op(A) op(B) + bias, as MatMul in kernels/matmul.h; bias [n] is added to every row and may be null.
// Computes the product only where that is worthwhile, and returns whether it did: the product must be large, enough
// columns of A must be zero in whole groups of rows (if A is stored transposed, rows are reordered to find them), and B
// must be finite, since 0 times infinity is not 0. If false is returned C holds nothing of use.
template <class T>
bool ZeroSkippingMatMul(Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a,
                        const T* b, const T* bias, T* c);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CPU_ZERO_SKIPPING_MATMUL_H_
