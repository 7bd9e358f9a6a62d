#include "models/gin.h"

#include <string>

#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/message_passing.h"
#include "engine/ops/shape.h"

namespace orbit {

Gin::Mlp::Mlp(int64_t in, int64_t hidden, Generator& generator)
    : first(in, hidden, generator), second(hidden, hidden, generator), norm(hidden) {
  AddModule("linear_layers.0", first);
  AddModule("linear_layers.1", second);
  AddModule("norms.0", norm);
}

Gin::Gin(const GinOptions& options, Generator& generator)
    : dropout_(options.dropout),
      eps_(AddParameter("eps", generator.Uniform({options.layers}, 0, 1))),
      head_(options.hidden, 1, generator) {
  Check(options.layers >= 1 && options.hidden >= 1, "a GIN of ", options.layers, " layers of width ", options.hidden);
  for (int64_t l = 0; l < options.layers; ++l) {
    mlps_.Add(l == 0 ? options.channels : options.hidden, options.hidden, generator);
    norms_.Add(options.hidden);
  }
  AddModule("mlps", mlps_);
  AddModule("norms", norms_);
  AddModule("head", head_);
  if (options.unused_input) {
    unused_input_ = std::make_unique<nn::Linear>(options.channels, options.hidden, generator);
    AddModule("input", *unused_input_);
  }
}

Variable Gin::operator()(const Variable& x, const EdgeLists& edges, const Tensor& num_nodes,
                         Generator& generator) const {
  Variable h = x;
  for (size_t l = 0; l < mlps_.size(); ++l) {
    const Variable eps = Slice(eps_, 0, static_cast<int64_t>(l), static_cast<int64_t>(l) + 1);
    h = MessageSumWithHub(h, eps, edges, num_nodes);
    h = mlps_[l].norm.ThenRelu(mlps_[l].first(h));
    if (training()) h = Dropout(h, dropout_, generator);
    h = norms_[l].ThenRelu(mlps_[l].second(h));
  }
  return Reshape(head_(h), {x.dim(0), x.dim(1), x.dim(2)});
}

GraphNetwork::GraphNetwork(const GinOptions& options, double noise_scale, Generator& generator)
    : noise_scale_(noise_scale),
      virtual_node_(AddParameter("virtual_node", generator.Normal({options.channels}, 0, 1))),
      gin_(options, generator) {
  AddModule("gin_interface", gin_);
}

Tensor GraphNetwork::DrawNoise(const Features& x, int64_t samples, Generator& generator) const {
  const Tensor& nodes = x.features.at(0).value.value();
  return generator.Uniform({nodes.dim(0), samples, nodes.dim(1), nodes.dim(2)}, 0, noise_scale_, nodes.dtype(),
                           nodes.device());
}

Proposal GraphNetwork::Forward(const Features& x, const Tensor& noise, Generator& generator) {
  const Variable& nodes = x.features.at(0).value;  // [batch, n, channels]
  const int64_t batch = nodes.dim(0), n = nodes.dim(1), channels = nodes.dim(2);
  const int64_t samples = noise.defined() ? noise.dim(1) : 1;
  Check(x.edges.graphs == batch && x.num_nodes.defined(), "the graph network needs edges and num_nodes of ", batch,
        " graphs");
  const Tensor mask = NodeMask(x.num_nodes, n, nodes.dtype()).Reshape({batch, 1, n, 1});
  Variable z = Reshape(nodes, {batch, 1, n, channels});
  if (noise.defined()) z = Add(z, noise);
  const Variable hub = BroadcastTo(Reshape(virtual_node_, {1, 1, 1, channels}), {batch, samples, 1, channels});
  const Variable scores = gin_(Concat({hub, Mul(z, mask)}, 2), x.edges, x.num_nodes, generator);
  return {Slice(scores, 2, 1, n + 1), {}};
}

}  // namespace orbit
