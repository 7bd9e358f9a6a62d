// Attention on tensor cores, with the interface of kernels/attention.h; rows() and width() must not be 0. Operands of
// products are E, to which T, BFloat16 or float, is rounded when loaded: BFloat16 for heads of up to 128 channels, or
// Tf32, from float, for heads of up to 64. Rows that are not multiples of eight channels, or not aligned to 16 bytes,
// are read and written element by element.
//
// Short sequences are entirely on chip; for long ones tiles pass through shared memory. No sum is by atomics, and the
// same launch always gives the same bits.
#ifndef ORBIT_KERNELS_CUDA_ATTENTION_TENSOR_CORE_H_
#define ORBIT_KERNELS_CUDA_ATTENTION_TENSOR_CORE_H_

#include "kernels/attention.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/matrix.h"

namespace orbit::kernels {

template <class E>
inline constexpr int kMostChannels = sizeof(E) == 2 ? 128 : 64;

template <class E, class T>
void TensorCoreAttentionForward(Gpu gpu, const AttentionShape& shape, const T* projected, T* y, float* log_sums);
template <class E, class T>
void TensorCoreAttentionBackward(Gpu gpu, const AttentionShape& shape, const T* projected, const T* y,
                                 const float* log_sums, const T* dy, T* dprojected);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_ATTENTION_TENSOR_CORE_H_
