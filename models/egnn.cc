#include "models/egnn.h"

#include <string>

#include "engine/nn/init.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/indexing.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"

namespace orbit {
namespace {

constexpr double kLargestMove = 100;  // of one coordinate by one sender, before the mean

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

void Egnn::Layer::Apply(const Variable& edges, const Variable& velocities, const CompleteGraph& graph, int64_t n,
                        Variable& h, Variable& x) const {
  const Variable difference = Sub(IndexSelect(x, graph.receiver), IndexSelect(x, graph.sender));
  const Variable messages = Silu(edge2_(Silu(edge1_(
      Concat({IndexSelect(h, graph.receiver), IndexSelect(h, graph.sender), SquaredNorm(difference), edges}, -1)))));
  const Variable moves = Clamp(Mul(difference, position2_(Silu(position1_(messages)))), -kLargestMove, kLargestMove);
  x = Add(x, Scale(SumOverSenders(moves, n), 1.0 / static_cast<double>(n - 1)));
  x = Add(x, Mul(velocity2_(Silu(velocity1_(h))), velocities));
  h = Add(h, node2_(Silu(node1_(Concat({h, SumOverSenders(messages, n)}, -1)))));
}

Egnn::Egnn(const EgnnOptions& options, Generator& generator) : embedding_(1, options.hidden, generator) {
  AddModule("embedding", embedding_);
  for (int64_t i = 0; i < options.layers; ++i) {
    layers_.push_back(std::make_unique<Layer>(options.hidden, generator));
    AddModule("gcl_" + std::to_string(i), *layers_.back());
  }
}

Variable Egnn::operator()(const Variable& positions, const Variable& velocities, const Variable& charges) const {
  const int64_t batch = positions.dim(0), n = positions.dim(1);
  Check(n >= 2, "EGNN needs at least two particles, got ", n);
  const CompleteGraph& graph = graphs_.Get(batch, n, positions.device());
  Variable x = Reshape(positions, {batch * n, 3});
  const Variable v = Reshape(velocities, {batch * n, 3}), q = Reshape(charges, {batch * n, 1});
  const Variable distance = SquaredNorm(Sub(IndexSelect(x, graph.receiver), IndexSelect(x, graph.sender)));
  const Variable edges = Concat({Mul(IndexSelect(q, graph.receiver), IndexSelect(q, graph.sender)), distance}, -1);
  Variable h = embedding_(Sqrt(SquaredNorm(v)));
  for (const auto& layer : layers_) layer->Apply(edges, v, graph, n, h, x);
  return Reshape(x, positions.shape());
}

}  // namespace orbit
