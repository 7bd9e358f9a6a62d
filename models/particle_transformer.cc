#include "models/particle_transformer.h"

#include "engine/nn/checkpoint.h"
#include "engine/nn/init.h"
#include "engine/ops/diagonal.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/shape.h"
#include "engine/ops/transformer_layer.h"

namespace orbit {

TransformerLayer::TransformerLayer(int64_t width, int64_t heads, int64_t hidden, Generator& generator)
    : heads_(heads),
      in_proj_weight_(AddParameter("self_attn.in_proj_weight", nn::XavierUniform({3 * width, width}, 1, generator))),
      in_proj_bias_(AddParameter("self_attn.in_proj_bias", Tensor::Zeros({3 * width}))),
      out_proj_weight_(AddParameter("self_attn.out_proj.weight", nn::FanInUniform({width, width}, width, generator))),
      out_proj_bias_(AddParameter("self_attn.out_proj.bias", Tensor::Zeros({width}))),
      linear1_(width, hidden, generator),
      linear2_(hidden, width, generator),
      norm1_(width),
      norm2_(width) {
  Check(heads >= 1 && width % heads == 0, "a transformer of width ", width, " cannot have ", heads, " heads");
  AddModule("linear1", linear1_);
  AddModule("linear2", linear2_);
  AddModule("norm1", norm1_);
  AddModule("norm2", norm2_);
}

Variable TransformerLayer::operator()(const Variable& x) const {
  return TransformerEncoderLayer(x,
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
                                 heads_);
}

ParticleTransformer::ParticleTransformer(const ParticleTransformerOptions& options, Generator& generator)
    : options_(options),
      input_(options.node_channels + options.edge_channels, options.width, generator),
      positions_(
          AddParameter("pos_encoder.pe", generator.Normal({options.nodes * options.nodes, 1, options.width}, 0, 1))),
      norm_(options.width),
      output1_(options.width, options.width, generator),
      output2_(options.width, options.out_channels, generator) {
  AddModule("input.0", input_);
  for (int64_t i = 0; i < options.layers; ++i) layers_.Add(options.width, options.heads, options.width, generator);
  AddModule("encoder.layers", layers_);
  AddModule("encoder.norm", norm_);
  AddModule("output.2", output1_);
  AddModule("output.5", output2_);
}

Variable ParticleTransformer::Forward(const View& view, Generator& generator) const {
  const Variable nodes = view.Feature(0), edges = view.Feature(1);
  const int64_t rows = nodes.dim(0), n = nodes.dim(1), width = options_.width;
  Check(n == options_.nodes, "the transformer was made for ", options_.nodes, " particles, got ", n);
  const Variable features = DiagonalEmbed(Reshape(nodes, {rows, n, options_.node_channels}));
  const Variable tokens = Reshape(Concat({features, edges}, -1), {rows, n * n, -1});
  Variable x = Add(input_(tokens), Reshape(positions_, {n * n, width}));
  for (size_t i = 0; i < layers_.size(); ++i)
    x = options_.checkpoint ? nn::Checkpoint(layers_[i], x, generator) : layers_[i](x);
  x = norm_(Diagonal(Reshape(x, {rows, n, n, width})));
  return Reshape(output2_(Relu(output1_(Relu(x)))), {rows, n, options_.out_channels, 1});
}

}  // namespace orbit
