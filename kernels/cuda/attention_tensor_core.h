// Attention on tensor cores, with the interface of kernels/attention.h, for heads of up to 128 channels; rows() and
// width() must not be 0. T is BFloat16, or float, which is rounded to bf16 when loaded. Rows that are not multiples of
// 16 bytes, or not aligned to them, are read and written element by element.
//
// Short sequences are entirely on chip; for long ones tiles pass through shared memory. Backward computes scores twice,
// once for the gradients of keys and once for those of queries, so that it needs no atomics and the same launch always
// gives the same bits.
#ifndef ORBIT_KERNELS_CUDA_ATTENTION_TENSOR_CORE_H_
#define ORBIT_KERNELS_CUDA_ATTENTION_TENSOR_CORE_H_

#include "kernels/attention.h"
#include "kernels/cuda/gpu.h"

namespace orbit::kernels {

template <class T>
void TensorCoreAttentionForward(Gpu gpu, const AttentionShape& shape, const T* projected, T* y, float* log_sums);
template <class T>
void TensorCoreAttentionBackward(Gpu gpu, const AttentionShape& shape, const T* projected, const T* y,
                                 const float* log_sums, const T* dy, T* dprojected);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_ATTENTION_TENSOR_CORE_H_
