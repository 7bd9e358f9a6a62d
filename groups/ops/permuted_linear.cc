#include "groups/ops/permuted_linear.h"

#include "engine/dispatch.h"
#include "engine/ops/linear.h"
#include "engine/ops/shape.h"
#include "groups/ops/graph_image.h"
#include "kernels/matmul.h"
#include "kernels/permuted_linear.h"

namespace orbit {
namespace {

Variable DenseLinear(const Permutation& permutation, const Tensor& nodes, const EdgeLists& edges,
                     const Variable& weight, const Variable& bias) {
  const Shape rows = {permutation.batch(), permutation.samples(), -1};
  Variable input = Reshape(ActInverse(permutation, 2, DenseImage({.edges = edges}, weight.dtype())), rows);
  if (nodes.defined()) input = Concat({Reshape(ActInverse(permutation, 1, nodes), rows), input}, -1);
  return Linear(input, weight, bias);
}

}  // namespace

Variable PermutedLinear(const Permutation& permutation, const Tensor& nodes, const EdgeLists& edges,
                        const Variable& weight, const Variable& bias, const Tensor& num_nodes) {
  const int64_t batch = permutation.batch(), samples = permutation.samples(), n = permutation.nodes();
  const int64_t d = nodes.defined() ? nodes.dim(-1) : 0;
  Check(edges.graphs == batch && edges.n == n, "PermutedLinear: ", edges.graphs, " graphs of ", edges.n,
        " nodes, permutations ", ToString(permutation.index.shape()));
  Check(!nodes.defined() || (nodes.shape() == Shape{batch, n, d} && nodes.dtype() == weight.dtype()),
        "PermutedLinear: nodes ", nodes.Describe(), " of ", batch, " graphs of ", n, " nodes");
  Check(weight.rank() == 2 && weight.dim(1) == n * d + n * n && bias.shape() == Shape{weight.dim(0)},
        "PermutedLinear: weight ", weight.value().Describe(), ", where [out, ", n * d + n * n, "] is expected");
  Check(!num_nodes.defined() || (num_nodes.shape() == Shape{batch} && num_nodes.dtype() == DType::kI32),
        "PermutedLinear: num_nodes ", num_nodes.Describe(), " of ", batch, " graphs");
  if (!permutation.hard) return DenseLinear(permutation, nodes, edges, weight, bias);

  const int64_t out = weight.dim(0);
  const Tensor ranks = Ranks(permutation);
  const kernels::PermutedGraphs graphs = {batch,
                                          samples,
                                          n,
                                          d,
                                          edges.offsets.data<int32_t>(),
                                          edges.sources.data<int32_t>(),
                                          ranks.data<int32_t>(),
                                          edges.edges(),
                                          num_nodes.data_or_null<int32_t>()};
  Tensor y = Tensor::Empty({batch, samples, out}, weight.dtype(), weight.device());
  Dispatch("PermutedLinear", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::PermutedLinear(device, graphs, out, d ? nodes.data<const T>() : nullptr, weight.value().data<const T>(),
                            bias.value().data<const T>(), y.data<T>());
  });
  // Keeps `ranks`, `edges` and `num_nodes` alive, because `graphs` has pointers to them.
  return MakeVariable("PermutedLinear", y, {weight, bias, permutation.soft},
                      [=, weight = weight.value()](const Gradients& gradients) {
                        const Tensor& dy = gradients.output();
                        Dispatch("PermutedLinear", dy, [&]<class T>(auto device, std::type_identity<T>) {
                          const T* x = d ? nodes.data<T>() : nullptr;
                          if (gradients.Needs(0)) {
                            Tensor dweight = Tensor::EmptyLike(weight);
                            kernels::PermutedLinearBackward(device, graphs, out, x, dy.data<T>(), dweight.data<T>());
                            gradients.Add(0, dweight);
                          }
                          if (gradients.Needs(1)) {
                            Tensor dbias = Tensor::Empty({out}, dy.dtype(), dy.device());
                            kernels::ColumnSums(device, batch * samples, out, dy.data<T>(), dbias.data<T>());
                            gradients.Add(1, dbias);
                          }
                          if (gradients.Needs(2)) {
                            Tensor dsoft = Tensor::Empty({batch, samples, n, n}, dy.dtype(), dy.device());
                            kernels::PermutedLinearStraightThrough(device, graphs, out, x, weight.data<const T>(),
                                                                   dy.data<T>(), dsoft.data<T>());
                            gradients.Add(2, dsoft);
                          }
                        });
                        (void)ranks;
                        (void)edges;
                        (void)num_nodes;
                      });
}

}  // namespace orbit
