// Scaled dot-product attention (Vaswani et al., NeurIPS 2017).
#ifndef ORBIT_ENGINE_OPS_ATTENTION_H_
#define ORBIT_ENGINE_OPS_ATTENTION_H_

#include "engine/variable.h"

namespace orbit {

// softmax(q k^T / sqrt(channels)) v in every head of every sequence: projected [sequences, tokens, 3 width] has
// queries, keys and values one after another, each of them its heads one after another, of width / heads channels, as a
// linear layer leaves them -> [sequences, tokens, width]. f32, f64, bf16. On GPUs bf16 is computed on tensor cores, and
// f32 where products of matrices may be in bf16 (kernels/attention.h), in heads of up to 128 channels, or
// Error. Throws Error where heads do not divide the width.
Variable ScaledDotProductAttention(const Variable& projected, int64_t heads);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_ATTENTION_H_
