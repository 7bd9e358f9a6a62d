// Matrix products without a library, for those that cuBLASLt has no algorithm for.
#ifndef ORBIT_KERNELS_CUDA_PLAIN_MATMUL_H_
#define ORBIT_KERNELS_CUDA_PLAIN_MATMUL_H_

#include "kernels/device.h"
#include "kernels/matmul.h"

namespace orbit::kernels {

// As MatMul of kernels/matmul.h, for at most 65,535 problems; all are computed in full precision, on no tensor core.
template <class Device, class T, class U>
void PlainMatMul(Device device, Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k,
                 const T* a, const T* b, SumType<T> beta, U* c, int64_t batch, int64_t a_stride, int64_t b_stride,
                 int64_t c_stride);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_PLAIN_MATMUL_H_
