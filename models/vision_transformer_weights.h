// Weights of vision transformers that were trained on images, under timm's names.
#ifndef ORBIT_MODELS_VISION_TRANSFORMER_WEIGHTS_H_
#define ORBIT_MODELS_VISION_TRANSFORMER_WEIGHTS_H_

#include <string>
#include <vector>

#include "engine/tensor_map.h"

namespace orbit {

struct LoadedVisionTransformer {
  int64_t tensors = 0;                // that were loaded: all the transformer has
  int64_t grid = 0, loaded_grid = 0;  // patches on a side, of the transformer and of the weights
  std::vector<std::string> ignored;   // names of weights that have no place on graphs

  std::string Describe() const;  // for people
};

// Copies `weights` to `transformer`, the StateDict of a VisionTransformer. Every one of its tensors is replaced, and
// where the grids differ the positions are interpolated as by timm's resample_abs_pos_embed. Ignored are what is before
// and after the transformer on images: the embedding of patches of pixels (patch_embed) and heads (head, head_dist,
// pre_logits, fc_norm); and of a DeiT the distillation token with its position.
//
// Throws Error, before anything is copied, with all names that are missing, left over or of other shapes; and for
// architectures that cannot be loaded, by name: BEiT, with its relative positions, and others with layer scale,
// register tokens or normalised queries.
LoadedVisionTransformer LoadVisionTransformer(const TensorMap& weights, const TensorMap& transformer);

// Positions [1, prefix + grid^2, width], interpolated to another grid; the first `prefix` stay. It is PyTorch's
// interpolate(mode = "bicubic", antialias = True) of the grid: cubic convolution with a = -0.5 (Keys 1981), widened by
// the scale where the new grid is coarser. Returns f32, or f64 of f64. Throws Error if there is no square grid.
Tensor ResamplePositions(const Tensor& positions, int64_t prefix, int64_t grid);

}  // namespace orbit

#endif  // ORBIT_MODELS_VISION_TRANSFORMER_WEIGHTS_H_
