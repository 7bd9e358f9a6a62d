// Attention by cuDNN with the interface of kernels/attention.h, in bf16. For comparison only: the engine does not use
// it.
#ifndef ORBIT_KERNELS_CUDA_CUDNN_ATTENTION_H_
#define ORBIT_KERNELS_CUDA_CUDNN_ATTENTION_H_

#include "kernels/attention.h"
#include "kernels/device.h"

namespace orbit::kernels {

// Heads need a multiple of 8 channels, arrays an alignment of 16 bytes. The engine that cuDNN's heuristic chooses is
// kept for the next call with the same shape. Backward adds the gradients of queries in no fixed order. Throws Error if
// cuDNN 9.13 or later is missing, at run time or when this was built, or refuses.
void CudnnAttentionForward(Cuda device, const AttentionShape& shape, const BFloat16* projected, BFloat16* y,
                           float* log_sums);
void CudnnAttentionBackward(Cuda device, const AttentionShape& shape, const BFloat16* projected, const BFloat16* y,
                            const float* log_sums, const BFloat16* dy, BFloat16* dprojected);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_CUDNN_ATTENTION_H_
