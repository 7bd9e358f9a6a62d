#include "models/particle_gnn.h"

#include "engine/ops/elementwise.h"
#include "engine/ops/indexing.h"
#include "engine/ops/shape.h"

namespace orbit {

ParticleGnn::Layer::Layer(int64_t hidden, Generator& generator)
    : edge1_(2 * hidden + 2, hidden, generator),
      edge2_(hidden, hidden, generator),
      node1_(2 * hidden, hidden, generator),
      node2_(hidden, hidden, generator) {
  AddModule("edge_mlp.0", edge1_);
  AddModule("edge_mlp.2", edge2_);
  AddModule("node_mlp.0", node1_);
  AddModule("node_mlp.2", node2_);
}

Variable ParticleGnn::Layer::operator()(const Variable& x, const Variable& edges, const CompleteGraph& graph,
                                        int64_t n) const {
  const Variable pairs = Concat({IndexSelect(x, graph.receiver), IndexSelect(x, graph.sender), edges}, -1);
  const Variable messages = Silu(edge2_(Silu(edge1_(pairs))));
  return node2_(Silu(node1_(Concat({x, SumOverSenders(messages, n)}, -1))));
}

ParticleGnn::ParticleGnn(const ParticleGnnOptions& options, Generator& generator)
    : embedding_(6, options.hidden, generator),
      decoder1_(options.hidden, options.hidden, generator),
      decoder2_(options.hidden, 3, generator) {
  AddModule("embedding", embedding_);
  for (int64_t i = 0; i < options.layers; ++i) {
    layers_.push_back(std::make_unique<Layer>(options.hidden, generator));
    AddModule("layer_" + std::to_string(i), *layers_.back());
  }
  AddModule("decoder.0", decoder1_);
  AddModule("decoder.2", decoder2_);
}

Variable ParticleGnn::operator()(const Variable& nodes, const Variable& edges) const {
  const int64_t rows = nodes.dim(0), n = nodes.dim(1);
  const CompleteGraph& graph = graphs_.Get(rows, n, nodes.device());
  const Variable e = IndexSelect(Reshape(edges, {rows * n * n, 2}), graph.pair);
  Variable x = embedding_(Reshape(Permute(nodes, {0, 1, 3, 2}), {rows * n, 6}));
  for (const auto& layer : layers_) x = (*layer)(x, e, graph, n);
  return Reshape(decoder2_(Silu(decoder1_(x))), {rows, n, 3});
}

}  // namespace orbit
