// A pre-norm transformer encoder layer (Vaswani et al., NeurIPS 2017; Xiong et al., ICML 2020).
#ifndef ORBIT_ENGINE_NN_TRANSFORMER_ENCODER_LAYER_H_
#define ORBIT_ENGINE_NN_TRANSFORMER_ENCODER_LAYER_H_

#include "engine/nn/layer_norm.h"
#include "engine/nn/linear.h"
#include "engine/nn/module.h"
#include "engine/random.h"

namespace orbit::nn {

// How the parameters of a layer are named. The layouts are the same.
enum class TransformerNames : uint8_t {
  kTorch,  // torch.nn.TransformerEncoderLayer: self_attn.in_proj_weight, self_attn.out_proj, linear1, linear2
  kTimm,   // a block of timm's VisionTransformer: attn.qkv, attn.proj, mlp.fc1, mlp.fc2
};

// x [sequences, tokens, width] -> the same, with the initial values of the parameters of
// torch.nn.TransformerEncoderLayer with norm_first = True and the exact GELU; `hidden` is the width of the feed-forward
// part. See engine/ops/transformer_layer.h.
class TransformerEncoderLayer : public Module {
 public:
  // Throws Error where heads do not divide the width.
  TransformerEncoderLayer(int64_t width, int64_t heads, int64_t hidden, Generator& generator, double dropout = 0,
                          double eps = 1e-5, TransformerNames names = TransformerNames::kTorch);

  // `mask` is that of ScaledDotProductAttention, engine/ops/attention.h. The generator draws what is dropped in
  // training; without one, a layer in training must not drop.
  Variable operator()(const Variable& x, const Tensor& mask = {}) const { return Apply(x, mask, nullptr); }
  Variable operator()(const Variable& x, Generator& generator, const Tensor& mask = {}) const {
    return Apply(x, mask, &generator);
  }

 private:
  Variable Apply(const Variable& x, const Tensor& mask, Generator* generator) const;

  int64_t heads_;
  double dropout_, eps_;
  Variable in_proj_weight_, in_proj_bias_, out_proj_weight_, out_proj_bias_;
  Linear linear1_, linear2_;
  LayerNorm norm1_, norm2_;
};

}  // namespace orbit::nn

#endif  // ORBIT_ENGINE_NN_TRANSFORMER_ENCODER_LAYER_H_
