#include "engine/ops/edge_mlp.h"

#include "engine/dispatch.h"
#include "engine/ops/cast.h"
#include "engine/ops/linear.h"
#include "engine/ops/shape.h"
#include "kernels/edge_mlp.h"

namespace orbit {
namespace {

kernels::GraphEdges ToKernel(const char* operation, const EdgeLists& edges, int64_t nodes) {
  const int64_t distinct = edges.graphs * edges.n;
  Check(distinct > 0 ? nodes % distinct == 0 : nodes == 0, operation, ": ", nodes, " nodes of ", edges.graphs,
        " graphs of ", edges.n);
  const int64_t samples = distinct > 0 ? nodes / distinct : 0;
  return {edges.graphs,
          samples,
          edges.n,
          samples * edges.edges(),
          edges.offsets.data<int32_t>(),
          edges.sources.data<int32_t>(),
          edges.reverse_offsets.data<int32_t>(),
          edges.reverse_sources.data<int32_t>(),
          edges.reverse_edges.data<int32_t>()};
}

template <class T>
kernels::PairInput<T> ToKernel(const Tensor& nodes, const Tensor& positions, const Tensor& attributes,
                               const Tensor& weight, const Tensor& bias) {
  return {nodes.data<T>(), positions.data_or_null<T>(), attributes.data_or_null<T>(), weight.data<T>(), bias.data<T>()};
}

Tensor ValueOf(const Variable& x) { return x.defined() ? x.value() : Tensor(); }

// EdgeSilu from the nodes' terms [nodes, 2 channels], first as receivers, then as senders; weight [channels, scalars].
Variable PairSilu(const Variable& nodes, const Variable& positions, const Variable& attributes, const Variable& weight,
                  const Variable& bias, const EdgeLists& edges) {
  const kernels::GraphEdges graphs = ToKernel("EdgeSilu", edges, nodes.dim(0));
  const kernels::PairShape shape = {bias.size(), attributes.defined() ? attributes.dim(1) : 0, positions.defined()};
  Check(!positions.defined() || positions.shape() == Shape{nodes.dim(0), 3}, "EdgeSilu: positions ",
        ValueOf(positions).Describe(), " of ", nodes.dim(0), " nodes");
  Check(!attributes.defined() || attributes.dim(0) == graphs.edges, "EdgeSilu: attributes ",
        ValueOf(attributes).Describe(), " of ", graphs.edges, " edges");
  Check(weight.dim(1) == shape.scalars() && shape.scalars() <= kernels::PairShape::kMaxScalars, "EdgeSilu: weights of ",
        weight.dim(1), " scalars an edge for ", shape.scalars(), ", at most ", kernels::PairShape::kMaxScalars);
  const Tensor y = Tensor::Empty({graphs.edges, shape.channels}, nodes.dtype(), nodes.device());
  Dispatch("EdgeSilu", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::PairSilu(
        device, graphs, shape,
        ToKernel<const T>(nodes.value(), ValueOf(positions), ValueOf(attributes), weight.value(), bias.value()),
        y.data<T>());
  });
  return MakeVariable(
      "EdgeSilu", y, {nodes, positions, attributes, weight, bias},
      [shape, edges, nodes = nodes.value(), positions = ValueOf(positions), attributes = ValueOf(attributes),
       weight = weight.value(), bias = bias.value()](const Gradients& gradients) {
        const Tensor& dy = gradients.output();
        const Tensor dnodes = Tensor::EmptyLike(nodes), dweight = Tensor::EmptyLike(weight),
                     dbias = Tensor::EmptyLike(bias);
        const Tensor dpositions = positions.defined() ? Tensor::EmptyLike(positions) : Tensor();
        const Tensor dattributes = gradients.Needs(2) ? Tensor::EmptyLike(attributes) : Tensor();
        Dispatch("EdgeSilu", dy, [&]<class T>(auto device, std::type_identity<T>) {
          kernels::PairSiluBackward(device, ToKernel("EdgeSilu", edges, nodes.dim(0)), shape,
                                    ToKernel<const T>(nodes, positions, attributes, weight, bias), dy.data<T>(),
                                    ToKernel<T>(dnodes, dpositions, dattributes, dweight, dbias));
        });
        gradients.Add(0, dnodes);
        if (dpositions.defined()) gradients.Add(1, dpositions);
        if (dattributes.defined()) gradients.Add(2, dattributes);
        gradients.Add(3, dweight);
        gradients.Add(4, dbias);
      });
}

// Returns the sums and, if `messages`, the messages after them.
std::vector<Variable> SumMessages(const Variable& x, int64_t nodes, bool messages, const EdgeLists& edges) {
  const kernels::GraphEdges graphs = ToKernel("SiluSum", edges, nodes);
  Check(x.rank() == 2 && x.dim(0) == graphs.edges, "SiluSum: ", x.value().Describe(), " of ", graphs.edges, " edges");
  const int64_t channels = x.dim(1);
  const Tensor sums = Tensor::Empty({nodes, channels}, x.dtype(), x.device());
  std::vector<Tensor> results = {sums};
  if (messages) results.push_back(Tensor::EmptyLike(x.value()));
  Dispatch("SiluSum", sums, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::SiluSum(device, graphs, channels, x.value().data<T>(), messages ? results[1].data<T>() : nullptr,
                     sums.data<T>());
  });
  return MakeVariables("SiluSum", std::move(results), {x}, [=, x = x.value()](const Gradients& gradients) {
    const kernels::GraphEdges graphs = ToKernel("SiluSum", edges, nodes);
    const Tensor dx = Tensor::EmptyLike(x), dmessages = messages ? gradients.output(1) : Tensor();
    Dispatch("SiluSum", x, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::SiluSumBackward(device, graphs, channels, x.data<T>(), dmessages.data_or_null<T>(),
                               gradients.output(0).data_or_null<T>(), dx.data<T>());
    });
    gradients.Add(0, dx);
  });
}

}  // namespace

Variable EdgeSilu(const Variable& h, const Variable& positions, const Variable& attributes, const Variable& weight,
                  const Variable& bias, const EdgeLists& edges) {
  Check(h.rank() == 2 && weight.rank() == 2 && weight.dim(1) >= 2 * h.dim(1) && bias.shape() == Shape{weight.dim(0)},
        "EdgeSilu: h ", h.value().Describe(), ", weight ", weight.value().Describe(), ", bias ",
        bias.value().Describe());
  const int64_t width = h.dim(1);
  const Variable of_nodes = Concat({Slice(weight, 1, 0, width), Slice(weight, 1, width, 2 * width)}, 0);
  return PairSilu(FromBF16(Linear(h, of_nodes)), positions, attributes, Slice(weight, 1, 2 * width, weight.dim(1)),
                  bias, edges);
}

MessagesAndSums SiluAndSum(const Variable& x, int64_t nodes, const EdgeLists& edges) {
  std::vector<Variable> results = SumMessages(FromBF16(x), nodes, true, edges);
  return {results[1], results[0]};
}

Variable SiluSum(const Variable& x, int64_t nodes, const EdgeLists& edges) {
  return SumMessages(FromBF16(x), nodes, false, edges)[0];
}

Variable MeanMoves(const Variable& p, const Variable& weight, const Variable& positions, double limit,
                   const EdgeLists& edges) {
  if (p.dtype() == DType::kBF16) return MeanMoves(FromBF16(p), weight, positions, limit, edges);
  const kernels::GraphEdges graphs = ToKernel("MeanMoves", edges, positions.dim(0));
  Check(p.rank() == 2 && p.dim(0) == graphs.edges && weight.size() == p.dim(1) &&
            positions.shape() == Shape{graphs.nodes(), 3},
        "MeanMoves: p ", p.value().Describe(), ", weight ", weight.value().Describe(), ", positions ",
        positions.value().Describe(), " of ", graphs.edges, " edges");
  const int64_t channels = p.dim(1);
  const Tensor moves = Tensor::EmptyLike(positions.value());
  const Tensor scales = Tensor::Empty({graphs.edges}, p.dtype(), p.device());
  Dispatch("MeanMoves", moves, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::MeanMoves(device, graphs, channels, static_cast<T>(limit), p.value().data<const T>(),
                       weight.value().data<const T>(), positions.value().data<const T>(), scales.data<T>(),
                       moves.data<T>());
  });
  return MakeVariable(
      "MeanMoves", moves, {p, weight, positions},
      [=, p = p.value(), weight = weight.value(), positions = positions.value()](const Gradients& gradients) {
        const kernels::GraphEdges graphs = ToKernel("MeanMoves", edges, positions.dim(0));
        const Tensor dp = Tensor::EmptyLike(p), dweight = Tensor::EmptyLike(weight),
                     dpositions = Tensor::EmptyLike(positions);
        Dispatch("MeanMoves", p, [&]<class T>(auto device, std::type_identity<T>) {
          kernels::MeanMovesBackward(device, graphs, channels, static_cast<T>(limit), p.data<const T>(),
                                     weight.data<const T>(), positions.data<const T>(), scales.data<const T>(),
                                     gradients.output().data<T>(), dp.data<T>(), dweight.data<T>(),
                                     dpositions.data<T>());
        });
        gradients.Add(0, dp);
        gradients.Add(1, dweight);
        gradients.Add(2, dpositions);
      });
}

}  // namespace orbit
