// Products whose left matrix has zeros that neighbouring rows share, as what a ReLU leaves and what passes back through
// one: rows that belong to like inputs are zero in many of the same columns. Only columns in which one of a few rows
// has an element are multiplied.
#ifndef ORBIT_KERNELS_CPU_ZERO_SKIPPING_MATMUL_H_
#define ORBIT_KERNELS_CPU_ZERO_SKIPPING_MATMUL_H_

#include <cstdint>

#include "kernels/matmul.h"

namespace orbit::kernels {

// C [m, n] = op(A) op(B) + bias (of every row, [n]; may be null), as MatMul in kernels/matmul.h, where that is worth
// it, and says whether it was: the product must be large, enough of A must be zero in rows side by side (in any order
// of the rows where A is stored transposed), and B must be finite, since a zero times infinity is not one. C holds
// nothing of use where the answer is no.
template <class T>
bool ZeroSkippingMatMul(Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a,
                        const T* b, const T* bias, T* c);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CPU_ZERO_SKIPPING_MATMUL_H_
