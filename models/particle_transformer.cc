#include "models/particle_transformer.h"

#include "engine/nn/checkpoint.h"
#include "engine/ops/diagonal.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/shape.h"

namespace orbit {

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
