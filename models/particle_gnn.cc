#include "models/particle_gnn.h"

#include "engine/ops/edge_mlp.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/shape.h"
#include "models/complete_graph.h"

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

Variable ParticleGnn::Layer::operator()(const Variable& x, const Variable& attributes, const EdgeLists& edges) const {
  const Variable hidden = EdgeSilu(x, {}, attributes, edge1_.weight, edge1_.bias, edges);
  return node2_(Silu(node1_(Concat({x, SiluSum(edge2_(hidden), x.dim(0), edges)}, -1))));
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

Variable ParticleGnn::Forward(const View& view, Generator&) const {
  const Variable nodes = view.Feature(0);
  const int64_t rows = nodes.dim(0), n = nodes.dim(1);
  const EdgeLists graph = CompleteGraph(n, nodes.device());
  const Variable attributes = OffDiagonal(view.Feature(1));
  Variable x = embedding_(Reshape(Permute(nodes, {0, 1, 3, 2}), {rows * n, 6}));
  for (const auto& layer : layers_) x = (*layer)(x, attributes, graph);
  return Reshape(decoder2_(Silu(decoder1_(x))), {rows, n, 3, 1});
}

}  // namespace orbit
