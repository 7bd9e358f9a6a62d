#include "groups/ops/patch_tokens.h"

#include <limits>

#include "engine/dispatch.h"
#include "engine/ops/linear.h"
#include "engine/ops/shape.h"
#include "kernels/matmul.h"
#include "kernels/patch_tokens.h"

namespace orbit {
namespace {

kernels::Padding ToKernel(PadMode padding) {
  switch (padding) {
    case PadMode::kZero:
      return kernels::Padding::kZero;
    case PadMode::kReflect:
      return kernels::Padding::kReflect;
    case PadMode::kReplicate:
      return kernels::Padding::kReplicate;
    case PadMode::kCircular:
      return kernels::Padding::kCircular;
  }
  Fail("unknown padding");
}

// Throws Error for a padding that cannot be.
kernels::PatchAxis ToKernel(const PatchGrid& grid) {
  Check(grid.n >= 0 && grid.patch >= 1 && grid.grid >= 1 && grid.patch * grid.grid >= grid.n &&
            grid.patch * grid.grid <= std::numeric_limits<int32_t>::max(),
        "PatchTokens: ", grid.n, " nodes in ", grid.grid, " patches of ", grid.patch);
  PadSources(grid.n, grid.before(), grid.after(), grid.padding);
  return {static_cast<int>(grid.n), static_cast<int>(grid.patch), static_cast<int>(grid.grid),
          static_cast<int>(grid.before()), ToKernel(grid.padding)};
}

void CheckShapes(const Permutation& permutation, const GraphImage& graphs, const Variable& weight, const Variable& bias,
                 const PatchGrid& grid) {
  const int64_t batch = permutation.batch(), n = permutation.nodes();
  const EdgeLists& edges = graphs.edges;
  const Tensor &of_edges = graphs.edge_features, &of_nodes = graphs.node_features, &num_nodes = graphs.num_nodes;
  Check(grid.n == n && edges.graphs == batch && edges.n == n, "PatchTokens: ", edges.graphs, " graphs of ", edges.n,
        " nodes, a grid for ", grid.n, ", permutations ", ToString(permutation.index.shape()));
  Check(!of_edges.defined() || (of_edges.rank() == 2 && of_edges.dim(0) == edges.edges() && of_edges.dim(1) >= 1 &&
                                of_edges.dtype() == weight.dtype()),
        "PatchTokens: features ", of_edges.Describe(), " of ", edges.edges(), " edges, weight ",
        weight.value().Describe());
  Check(!of_nodes.defined() || (of_nodes.rank() == 3 && of_nodes.dim(0) == batch && of_nodes.dim(1) == n &&
                                of_nodes.dtype() == weight.dtype()),
        "PatchTokens: features ", of_nodes.Describe(), " of nodes of ", batch, " graphs of ", n, ", weight ",
        weight.value().Describe());
  Check(!num_nodes.defined() || (num_nodes.shape() == Shape{batch} && num_nodes.dtype() == DType::kI32),
        "PatchTokens: num_nodes ", num_nodes.Describe(), " of ", batch, " graphs");
  const int64_t channels = (of_edges.defined() ? of_edges.dim(1) : 1) + (of_nodes.defined() ? of_nodes.dim(2) : 0);
  Check(weight.rank() == 4 && weight.shape() == Shape{weight.dim(0), channels, grid.patch, grid.patch} &&
            bias.shape() == Shape{weight.dim(0)},
        "PatchTokens: weight ", weight.value().Describe(), " and bias ", bias.value().Describe(), ", where [width, ",
        channels, ", ", grid.patch, ", ", grid.patch, "] and [width] are expected");
}

Variable DenseTokens(const Permutation& permutation, const GraphImage& graphs, const Variable& weight,
                     const Variable& bias, const PatchGrid& grid) {
  const int64_t rows = permutation.batch() * permutation.samples(), width = weight.dim(0);
  Variable image = ActInverse(permutation, 2, DenseImage(graphs, weight.dtype()));
  image = Reshape(image, {rows, grid.n, grid.n, weight.dim(1)});
  for (const int64_t axis : {1, 2}) image = Pad(image, axis, grid.before(), grid.after(), grid.padding);
  const Variable patches =
      Permute(Reshape(image, {rows, grid.grid, grid.patch, grid.grid, grid.patch, weight.dim(1)}), {0, 1, 3, 5, 2, 4});
  const Variable tokens =
      Linear(Reshape(patches, {rows * grid.grid * grid.grid, -1}), Reshape(weight, {width, -1}), bias);
  return Reshape(tokens, {permutation.batch(), permutation.samples(), grid.grid * grid.grid, width});
}

}  // namespace

Variable PatchTokens(const Permutation& permutation, const GraphImage& graphs, const Variable& weight,
                     const Variable& bias, const PatchGrid& grid) {
  CheckShapes(permutation, graphs, weight, bias, grid);
  const kernels::PatchAxis axis = ToKernel(grid);
  if (!permutation.hard) return DenseTokens(permutation, graphs, weight, bias, grid);

  const int64_t batch = permutation.batch(), samples = permutation.samples(), width = weight.dim(0);
  const Tensor ranks = Ranks(permutation);
  const kernels::PatchedGraphs patched = {batch,
                                          samples,
                                          axis,
                                          graphs.edge_features.defined() ? graphs.edge_features.dim(1) : 1,
                                          graphs.node_features.defined() ? graphs.node_features.dim(2) : 0,
                                          graphs.edges.offsets.data<int32_t>(),
                                          graphs.edges.sources.data<int32_t>(),
                                          graphs.edges.reverse_offsets.data<int32_t>(),
                                          graphs.edges.reverse_sources.data<int32_t>(),
                                          graphs.edges.reverse_edges.data<int32_t>(),
                                          permutation.index.data<int32_t>(),
                                          ranks.data<int32_t>(),
                                          graphs.edges.edges(),
                                          graphs.num_nodes.data_or_null<int32_t>()};
  Tensor y = Tensor::Empty({batch, samples, patched.tokens(), width}, weight.dtype(), weight.device());
  Dispatch("PatchTokens", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::PatchTokens(device, patched, width, graphs.edge_features.data_or_null<T>(),
                         graphs.node_features.data_or_null<T>(), weight.value().data<const T>(),
                         bias.value().data<const T>(), y.data<T>());
  });
  // Keeps the tensors alive that `patched` has pointers to.
  return MakeVariable(
      "PatchTokens", y, {weight, bias, permutation.soft},
      [patched, graphs, ranks, index = permutation.index, weight = weight.value()](const Gradients& gradients) {
        const Tensor& dy = gradients.output();
        const int64_t width = weight.dim(0), n = patched.axis.n;
        Dispatch("PatchTokens", dy, [&]<class T>(auto device, std::type_identity<T>) {
          const T* of_edges = graphs.edge_features.data_or_null<T>();
          const T* of_nodes = graphs.node_features.data_or_null<T>();
          if (gradients.Needs(0)) {
            Tensor dweight = Tensor::EmptyLike(weight);
            kernels::PatchTokensBackward(device, patched, width, of_edges, of_nodes, dy.data<T>(), dweight.data<T>());
            gradients.Add(0, dweight);
          }
          if (gradients.Needs(1)) {
            Tensor dbias = Tensor::Empty({width}, dy.dtype(), dy.device());
            kernels::ColumnSums(device, patched.rows() * patched.tokens(), width, dy.data<T>(), dbias.data<T>());
            gradients.Add(1, dbias);
          }
          if (gradients.Needs(2)) {
            Tensor dsoft = Tensor::Empty({patched.graphs, patched.samples, n, n}, dy.dtype(), dy.device());
            kernels::PatchTokensStraightThrough(device, patched, width, of_edges, of_nodes, weight.data<const T>(),
                                                dy.data<T>(), dsoft.data<T>());
            gradients.Add(2, dsoft);
          }
        });
        (void)ranks;
        (void)index;
      });
}

}  // namespace orbit
