// The vision transformer (Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021), as timm has it: a class token,
// learned positions, pre-norm blocks with LayerNorm's eps 1e-6 and the exact GELU, and a last LayerNorm.
#ifndef ORBIT_MODELS_VISION_TRANSFORMER_H_
#define ORBIT_MODELS_VISION_TRANSFORMER_H_

#include <string>

#include "engine/nn/layer_norm.h"
#include "engine/nn/module.h"
#include "engine/nn/transformer_encoder_layer.h"
#include "engine/random.h"

namespace orbit {

struct VisionTransformerOptions {
  int64_t width = 768;
  int64_t layers = 12;
  int64_t heads = 12;
  int64_t hidden = 4 * 768;  // of the blocks' feed-forward parts
  int64_t grid = 14;         // patches on a side of the image
  // In training, the share of the patches that every row leaves out, which are drawn anew for each (Li et al., Scaling
  // Language-Image Pre-training via Masking, CVPR 2023). With `patch_dropout_drawn` it is drawn from
  // [0, patch_dropout) for every batch.
  double patch_dropout = 0;
  bool patch_dropout_drawn = false;
  bool checkpoint = false;  // whether the backward computes the blocks again, for less memory
};

// The sizes that timm's names stand for, "vit_base_patch16_224" or "vit_base_patch16_224.augreg_in21k": tiny, small,
// base, large; patches of 8, 16 or 32 pixels; of images of 224 or 384. What comes after a dot names weights and is not
// looked at. Throws Error for other names.
VisionTransformerOptions ParseVisionTransformer(const std::string& name);

// The names of the parameters are timm's: cls_token [1, 1, width], pos_embed [1, 1 + grid^2, width], blocks.N, norm.
// Patches are embedded elsewhere. Initial values are timm's, too.
class VisionTransformer : public nn::Module {
 public:
  // Throws Error for sizes that make no transformer.
  VisionTransformer(const VisionTransformerOptions& options, Generator& generator);

  // Embedded patches [rows, grid^2, width] -> [rows, 1 + patches, width], the class token first; the other patches
  // are all, in their order, but in training with patch dropout, which leaves max(1, floor(grid^2 (1 - share))).
  Variable operator()(const Variable& patches, Generator& generator) const;

  const VisionTransformerOptions& options() const { return options_; }

 private:
  Variable DropPatches(const Variable& patches, Generator& generator) const;

  VisionTransformerOptions options_;
  Variable cls_token_, pos_embed_;
  nn::ModuleList<nn::TransformerEncoderLayer> blocks_;
  nn::LayerNorm norm_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_VISION_TRANSFORMER_H_
