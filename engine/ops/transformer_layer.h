// A pre-norm transformer encoder layer, PyTorch's with norm_first = True and the exact GELU.
#ifndef ORBIT_ENGINE_OPS_TRANSFORMER_LAYER_H_
#define ORBIT_ENGINE_OPS_TRANSFORMER_LAYER_H_

#include "engine/random.h"
#include "engine/variable.h"

namespace orbit {

// Names and layouts are those of torch.nn.TransformerEncoderLayer.
struct TransformerLayerParameters {
  Variable in_proj_weight, in_proj_bias;                        // [3 width, width], [3 width]: queries, keys, values
  Variable out_proj_weight, out_proj_bias;                      // [width, width], [width]
  Variable linear1_weight, linear1_bias;                        // [hidden, width], [hidden]
  Variable linear2_weight, linear2_bias;                        // [width, hidden], [width]
  Variable norm1_weight, norm1_bias, norm2_weight, norm2_bias;  // [width]
};

// h = x + out_proj(attention(in_proj(norm1(x)))), y = h + linear2(gelu(linear1(norm2(h)))):
// x [sequences, tokens, width] -> the same. `mask` is that of ScaledDotProductAttention. With `dropout` > 0 what
// PyTorch's layer drops is dropped, by the generator: attention's probabilities, gelu's results, and what is added to x
// and to h.
//
// f32, f64, bf16; under Precision::kBf16 (engine/autocast.h) f32 is computed in bf16. It is one operation without mask
// and dropout: of f32 and f64, on the host for widths up to 200, see kernels/transformer_layer.h; and in place of bf16
// where a GPU has one kernel for it, which keeps f32 and rounds operands of products alone. Else it is one operation
// after another.
Variable TransformerEncoderLayer(const Variable& x, const TransformerLayerParameters& parameters, int64_t heads,
                                 double eps = 1e-5, const Tensor& mask = {}, double dropout = 0,
                                 Generator* generator = nullptr);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_TRANSFORMER_LAYER_H_
