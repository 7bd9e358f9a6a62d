#include "engine/nn/transformer_encoder_layer.h"

#include <string>

#include "engine/nn/init.h"
#include "engine/ops/transformer_layer.h"

namespace orbit::nn {
namespace {

struct Names {
  std::string in_weight, in_bias, out, linear1, linear2;
};

Names NamesOf(TransformerNames names) {
  if (names == TransformerNames::kTimm) return {"attn.qkv.weight", "attn.qkv.bias", "attn.proj", "mlp.fc1", "mlp.fc2"};
  return {"self_attn.in_proj_weight", "self_attn.in_proj_bias", "self_attn.out_proj", "linear1", "linear2"};
}

}  // namespace

TransformerEncoderLayer::TransformerEncoderLayer(int64_t width, int64_t heads, int64_t hidden, Generator& generator,
                                                 double dropout, double eps, TransformerNames names)
    : heads_(heads),
      dropout_(dropout),
      eps_(eps),
      in_proj_weight_(AddParameter(NamesOf(names).in_weight, XavierUniform({3 * width, width}, 1, generator))),
      in_proj_bias_(AddParameter(NamesOf(names).in_bias, Tensor::Zeros({3 * width}))),
      out_proj_weight_(AddParameter(NamesOf(names).out + ".weight", FanInUniform({width, width}, width, generator))),
      out_proj_bias_(AddParameter(NamesOf(names).out + ".bias", Tensor::Zeros({width}))),
      linear1_(width, hidden, generator),
      linear2_(hidden, width, generator),
      norm1_(width, eps),
      norm2_(width, eps) {
  Check(heads >= 1 && width % heads == 0, "a transformer of width ", width, " cannot have ", heads, " heads");
  AddModule(NamesOf(names).linear1, linear1_);
  AddModule(NamesOf(names).linear2, linear2_);
  AddModule("norm1", norm1_);
  AddModule("norm2", norm2_);
}

Variable TransformerEncoderLayer::Apply(const Variable& x, const Tensor& mask, Generator* generator) const {
  return orbit::TransformerEncoderLayer(x,
                                        {.in_proj_weight = in_proj_weight_,
                                         .in_proj_bias = in_proj_bias_,
                                         .out_proj_weight = out_proj_weight_,
                                         .out_proj_bias = out_proj_bias_,
                                         .linear1_weight = linear1_.weight,
                                         .linear1_bias = linear1_.bias,
                                         .linear2_weight = linear2_.weight,
                                         .linear2_bias = linear2_.bias,
                                         .norm1_weight = norm1_.weight,
                                         .norm1_bias = norm1_.bias,
                                         .norm2_weight = norm2_.weight,
                                         .norm2_bias = norm2_.bias},
                                        heads_, eps_, mask, training() ? dropout_ : 0, generator);
}

}  // namespace orbit::nn
