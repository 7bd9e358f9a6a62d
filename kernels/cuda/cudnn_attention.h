// Attention by cuDNN: what kernels/attention.h declares, of bf16, to compare with; nothing computes with it.
#ifndef ORBIT_KERNELS_CUDA_CUDNN_ATTENTION_H_
#define ORBIT_KERNELS_CUDA_CUDNN_ATTENTION_H_

#include "kernels/attention.h"
#include "kernels/device.h"

namespace orbit::kernels {

// Heads of a multiple of 8 channels; arrays aligned to 16 bytes. The engine that cuDNN's heuristic finds is kept for
// the next call of the same shape. Backward adds up the gradients of queries in no fixed order. Throws
// Error where cuDNN 9 is not found, at run time or when this was built, and where it refuses.
void CudnnAttentionForward(Cuda device, const AttentionShape& shape, const BFloat16* projected, BFloat16* y,
                           float* log_sums);
void CudnnAttentionBackward(Cuda device, const AttentionShape& shape, const BFloat16* projected, const BFloat16* y,
                            const float* log_sums, const BFloat16* dy, BFloat16* dprojected);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_CUDNN_ATTENTION_H_
