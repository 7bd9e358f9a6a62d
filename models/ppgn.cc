#include "models/ppgn.h"

#include "engine/ops/diagonal.h"
#include "engine/ops/linear.h"
#include "engine/ops/message_passing.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"

namespace orbit {
namespace {

// [graphs, n, n, 1]: the number of edges j -> i at [g, i, j].
Tensor Adjacency(const EdgeLists& edges, DType dtype, Device device) {
  const std::vector<int32_t> offsets = edges.offsets.ToVector<int32_t>(), sources = edges.sources.ToVector<int32_t>();
  std::vector<float> adjacency(edges.graphs * edges.n * edges.n, 0.0f);
  for (int64_t row = 0; row < edges.graphs * edges.n; ++row)
    for (int32_t e = offsets[row]; e < offsets[row + 1]; ++e) adjacency[row * edges.n + sources[e]] += 1;
  return Tensor::From(adjacency, {edges.graphs, edges.n, edges.n, 1}).To(dtype).To(device);
}

}  // namespace

Ppgn::Block::Block(int64_t in, Generator& generator)
    : first(in, kWidth, generator), second(in, kWidth, generator), skip(in + kWidth, kWidth, generator) {
  AddModule("m1", first);
  AddModule("m2", second);
  AddModule("m3", skip);
}

Ppgn::Ppgn(const TailoredGraphOptions& options, Generator& generator)
    : activation_(options.head.activation), head_(options.head, 2 * kWidth, generator) {
  Check(options.layers >= 1, "a graph network of ", options.layers, " layers");
  for (int64_t l = 0; l < options.layers; ++l) blocks_.Add(l == 0 ? options.channels + 1 : kWidth, generator);
  AddModule("blocks", blocks_);
  AddModule("fc1", head_.embedding);
  if (head_.output) AddModule("fc2", *head_.output);
}

Variable Ppgn::Predict(const Features& x) const {
  const Variable& nodes = x.features.at(0).value;
  const int64_t batch = nodes.dim(0), n = nodes.dim(1);
  const Variable mask(NodeMask(x.num_nodes, n, nodes.dtype()));
  const Variable pairs = Mul(Reshape(mask, {batch, n, 1, 1}), Reshape(mask, {batch, 1, n, 1}));
  Variable h = Concat({Adjacency(x.edges, nodes.dtype(), nodes.device()), DiagonalEmbed(nodes)}, -1);
  for (size_t l = 0; l < blocks_.size(); ++l) {
    const Block& block = blocks_[l];
    // Padding must not enter the products, so one factor is 0 there.
    const Variable first = Mul(Activate(activation_, block.first(h)), pairs);
    const Variable second = Activate(activation_, block.second(h));
    const Variable product = Permute(MatMul(Permute(first, {0, 3, 1, 2}), Permute(second, {0, 3, 1, 2})), {0, 2, 3, 1});
    h = Activate(activation_, block.skip(Concat({h, product}, -1)));
  }
  h = Mul(h, pairs);
  const Variable diagonal = Sum(Diagonal(h), {1});
  return head_(Concat({diagonal, Sub(Sum(h, {1, 2}), diagonal)}, -1));
}

}  // namespace orbit
