// A small transformer layer of floats: one kernel forward and, but for the sums over blocks, one backward. Of what lies
// between x and y only h is kept for the backward.
#ifndef ORBIT_KERNELS_CUDA_TRANSFORMER_LAYER_ON_CHIP_H_
#define ORBIT_KERNELS_CUDA_TRANSFORMER_LAYER_ON_CHIP_H_

#include "kernels/cuda/gpu.h"
#include "kernels/transformer_layer.h"

namespace orbit::kernels {

// Whether the layer is computed so. A sequence must fit in a slot of 32 rows, a row in the tiles of two warps and a row
// of a head in a lane's registers, and the GPU must have enough shared memory.
bool IsLayerOnChip(Gpu gpu, const TransformerLayerSizes& sizes);

// As TransformerLayerForward and TransformerLayerBackward; middle [rows, width] is h.
void LayerForwardOnChip(Gpu gpu, const TransformerLayerSizes& sizes, const TransformerLayerParameters<const float>& p,
                        const float* x, float* y, float* middle);
void LayerBackwardOnChip(Gpu gpu, const TransformerLayerSizes& sizes, const TransformerLayerParameters<const float>& p,
                         const float* x, const float* middle, const float* dy, float* dx,
                         const TransformerLayerParameters<float>& gradients);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_TRANSFORMER_LAYER_ON_CHIP_H_
