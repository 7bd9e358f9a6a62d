#include "models/egnn.h"

#include <string>

#include "engine/nn/init.h"
#include "engine/ops/edge_mlp.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "models/complete_graph.h"

namespace orbit {
namespace {

constexpr double kLargestMove = 100;  // per coordinate and sender, before the mean

Variable SquaredNorm(const Variable& x) { return Sum(Square(x), {-1}, /*keepdim=*/true); }

}  // namespace

Egnn::Layer::Layer(int64_t hidden, Generator& generator)
    : edge1_(2 * hidden + 3, hidden, generator),
      edge2_(hidden, hidden, generator),
      node1_(2 * hidden, hidden, generator),
      node2_(hidden, hidden, generator),
      position1_(hidden, hidden, generator),
      position2_(hidden, 1, generator, /*with_bias=*/false),
      velocity1_(hidden, hidden, generator),
      velocity2_(hidden, 1, generator) {
  AddModule("edge_mlp.0", edge1_);
  AddModule("edge_mlp.2", edge2_);
  AddModule("node_mlp.0", node1_);
  AddModule("node_mlp.2", node2_);
  AddModule("coord_mlp.0", position1_);
  AddModule("coord_mlp.2", position2_);
  AddModule("coord_mlp_vel.0", velocity1_);
  AddModule("coord_mlp_vel.2", velocity2_);
  position2_.weight.value().CopyFrom(nn::XavierUniform({1, hidden}, /*gain=*/0.001, generator));
}

void Egnn::Layer::Apply(const Variable& attributes, const Variable& velocities, const EdgeLists& edges, Variable& h,
                        Variable& x) const {
  const Variable hidden = EdgeSilu(h, x, attributes, edge1_.weight, edge1_.bias, edges);
  const auto [messages, sums] = SiluAndSum(edge2_(hidden), h.dim(0), edges);
  x = Add(x, MeanMoves(position1_(messages), position2_.weight, x, kLargestMove, edges));
  x = Add(x, Mul(FromBF16(velocity2_(Silu(velocity1_(h)))), velocities));  // coordinates are not rounded
  h = Add(h, node2_(Silu(node1_(Concat({h, sums}, -1)))));
}

Egnn::Egnn(const EgnnOptions& options, Generator& generator)
    : TailoredModel(ParseGroup("SnxE3"), Representation::Vectors(1, /*points=*/1)),
      embedding_(1, options.hidden, generator) {
  AddModule("embedding", embedding_);
  for (int64_t i = 0; i < options.layers; ++i) {
    layers_.push_back(std::make_unique<Layer>(options.hidden, generator));
    AddModule("gcl_" + std::to_string(i), *layers_.back());
  }
}

Variable Egnn::Predict(const Features& features) const {
  const Variable &nodes = features.features.at(0).value, &charges = features.features.at(2).value;
  const int64_t batch = nodes.dim(0), n = nodes.dim(1);
  Check(n >= 2, "EGNN needs at least two particles, got ", n);
  const Variable positions = Reshape(Slice(nodes, -1, 0, 1), {batch, n, 3});
  const EdgeLists edges = CompleteGraph(n, positions.device());
  const auto pairs = [&](auto function, const Variable& of_nodes) {
    const int64_t channels = of_nodes.dim(2);
    return function(Reshape(of_nodes, {batch, n, 1, channels}), Reshape(of_nodes, {batch, 1, n, channels}));
  };
  const Variable attributes = OffDiagonal(Concat({pairs(Mul, charges), SquaredNorm(pairs(Sub, positions))}, -1));
  const Variable v = Reshape(Slice(nodes, -1, 1, 2), {batch * n, 3});
  Variable x = Reshape(positions, {batch * n, 3}), h = embedding_(Sqrt(SquaredNorm(v)));
  for (const auto& layer : layers_) layer->Apply(attributes, v, edges, h, x);
  return Reshape(x, {batch, n, 3, 1});
}

}  // namespace orbit
