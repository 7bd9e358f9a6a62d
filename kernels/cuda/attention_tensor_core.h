// Attention on tensor cores: what kernels/attention.h declares, for heads of up to 128 channels, without rows() or
// width() of 0. T is BFloat16, or float, which is rounded to bf16 on the way in. Rows that are no multiple of 16 bytes,
// or not aligned to it, are read and written element by element.
//
// Short sequences are on chip as a whole; of long ones tiles come through shared memory. Backward computes scores again
// for keys and for queries, so that nothing is added up by atomic operations and the same launch gives the same bits.
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
