// Dense matrix products.
#ifndef ORBIT_KERNELS_MATMUL_H_
#define ORBIT_KERNELS_MATMUL_H_

#include <cstdint>
#include <string>

#include "kernels/bfloat16.h"
#include "kernels/device.h"

namespace orbit::kernels {

enum class Transpose { kNo, kYes };

// C = op(A) op(B) + beta C for `batch` problems, row-major: op(A) is [m, k], op(B) [k, n], C [m, n]; A is stored as
// [m, k], or [k, m] where it is transposed, without padding; likewise B. Problem i starts at a + i a_stride and so on;
// a stride of 0 shares an operand. beta is 0 (C may be uninitialised) or 1. T is float, double, or BFloat16 with sums
// in float, of which C may be too. On GPUs products of floats are as the device's Precision says.
template <class Device, class T, class U>
void MatMul(Device device, Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a,
            const T* b, SumType<T> beta, U* c, int64_t batch = 1, int64_t a_stride = 0, int64_t b_stride = 0,
            int64_t c_stride = 0);

// y[r, c] = bias[c]: the initial value of a product with bias.
template <class Device, class T>
void BroadcastRow(Device device, int64_t rows, int64_t columns, const T* bias, T* y);

// sums[c] = sum over r of x[r, c].
template <class Device, class T>
void ColumnSums(Device device, int64_t rows, int64_t columns, const T* x, SumType<T>* sums);

// The kernels that OpenBLAS chose for this processor, such as "Zen", "Haswell" or "SkylakeX".
std::string HostMatMulCore();

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_MATMUL_H_
