// Scaled dot-product attention (Vaswani et al., NeurIPS 2017).
#ifndef ORBIT_ENGINE_OPS_ATTENTION_H_
#define ORBIT_ENGINE_OPS_ATTENTION_H_

#include "engine/random.h"
#include "engine/variable.h"

namespace orbit {

// softmax(q k^T / sqrt(channels) + mask) v in every head of every sequence: projected [sequences, tokens, 3 width] has
// queries, keys and values one after another, each of them its heads one after another, of width / heads channels, as a
// linear layer leaves them -> [sequences, tokens, width].
//
// `mask` broadcasts to [sequences, heads, queries, keys], as PyTorch's attn_mask: of u8, 0 leaves a key out; of a
// floating dtype, it is added to the scores. [sequences, 1, 1, tokens] is a mask of padding. A query to which no key is
// left gets 0. No gradient flows to the mask. With `dropout` > 0 probabilities are dropped, by the generator.
//
// f32, f64, bf16; under Precision::kBf16 (engine/autocast.h) f32 is computed in bf16. On GPUs bf16 without a mask is
// computed on tensor cores (kernels/attention.h), in heads of up to 128 channels, or Error. Throws Error where heads do
// not divide the width, and for a mask that does not fit.
Variable ScaledDotProductAttention(const Variable& projected, int64_t heads, const Tensor& mask = {},
                                   double dropout = 0, Generator* generator = nullptr);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_ATTENTION_H_
