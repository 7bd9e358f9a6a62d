// A transformer encoder layer as one operation.
#ifndef ORBIT_ENGINE_OPS_TRANSFORMER_LAYER_H_
#define ORBIT_ENGINE_OPS_TRANSFORMER_LAYER_H_

#include "engine/variable.h"

namespace orbit {

// Named and laid out as in torch.nn.TransformerEncoderLayer.
struct TransformerLayerParameters {
  Variable in_proj_weight, in_proj_bias;                        // [3 width, width], [3 width]: queries, keys, values
  Variable out_proj_weight, out_proj_bias;                      // [width, width], [width]
  Variable linear1_weight, linear1_bias;                        // [hidden, width], [hidden]
  Variable linear2_weight, linear2_bias;                        // [width, hidden], [width]
  Variable norm1_weight, norm1_bias, norm2_weight, norm2_bias;  // [width]
};

// h = x + out_proj(attention(in_proj(norm1(x)))), y = h + linear2(gelu(linear1(norm2(h)))), without dropout:
// x [sequences, tokens, width] -> the same. For short sequences, see kernels/transformer_layer.h, which says when a GPU
// does it in one kernel each way. f32, f64.
Variable TransformerEncoderLayer(const Variable& x, const TransformerLayerParameters& parameters, int64_t heads,
                                 double eps = 1e-5);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_TRANSFORMER_LAYER_H_
