// Attention's forward on the tensor cores of compute capability 9.0 by warpgroups (wgmma.h), with the interface of
// attention_tensor_core.h: for bf16, heads of 64 channels and arrays aligned to 16 bytes.
#ifndef ORBIT_KERNELS_CUDA_ATTENTION_WGMMA_H_
#define ORBIT_KERNELS_CUDA_ATTENTION_WGMMA_H_

#include "kernels/attention.h"
#include "kernels/bfloat16.h"
#include "kernels/cuda/gpu.h"

namespace orbit::kernels {

// Whether it can be used: on this GPU, for these heads and these arrays.
bool CanUseWgmma(Gpu gpu, const AttentionShape& shape, const BFloat16* projected, const BFloat16* y);

void WgmmaAttentionForward(Gpu gpu, const AttentionShape& shape, const BFloat16* projected, BFloat16* y,
                           float* log_sums);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_ATTENTION_WGMMA_H_
