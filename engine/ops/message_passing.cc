#include "engine/ops/message_passing.h"

#include "engine/dispatch.h"
#include "engine/ops/cast.h"
#include "engine/ops/reduce.h"
#include "kernels/message_passing.h"

namespace orbit {

namespace {

Variable SumMessages(const Variable& x, const Variable& eps, const EdgeLists& edges, const Tensor& num_nodes) {
  const bool hub = num_nodes.defined();
  Check(x.rank() == 4 && x.dim(0) == edges.graphs && x.dim(2) == edges.n + (hub ? 1 : 0) && eps.size() == 1 &&
            eps.dtype() == x.dtype(),
        "MessageSum: x ", x.value().Describe(), ", eps ", eps.value().Describe(), " on ", edges.graphs, " graphs of ",
        edges.n, " nodes", hub ? " and a hub" : "");
  Check(!hub || num_nodes.shape() == Shape{edges.graphs}, "MessageSum: node counts ", num_nodes.Describe());
  const kernels::MessageShape shape = {x.dim(0), x.dim(1), edges.n, x.dim(3), hub};
  // Along the edges or, in the backward, along the reversed edges.
  const auto run = [=](const Tensor& offsets, const Tensor& sources, const Tensor& eps, const Tensor& from) {
    Tensor to = Tensor::EmptyLike(from);
    Dispatch("MessageSum", from, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::MessageSum(device, shape, offsets.data<int32_t>(), sources.data<int32_t>(),
                          hub ? num_nodes.data<int32_t>() : nullptr, eps.data<T>(), from.data<T>(), to.data<T>());
    });
    return to;
  };
  return MakeVariable("MessageSum", run(edges.offsets, edges.sources, eps.value(), x.value()), {x, eps},
                      [=, x = x.value(), eps = eps.value()](const Gradients& gradients) {
                        const Tensor& dy = gradients.output();
                        if (gradients.Needs(0))
                          gradients.Add(0, run(edges.reverse_offsets, edges.reverse_sources, eps, dy));
                        if (!gradients.Needs(1)) return;
                        Tensor deps = Tensor::EmptyLike(eps);
                        Dispatch("MessageSum", x, [&]<class T>(auto device, std::type_identity<T>) {
                          kernels::DotProduct(device, x.size(), x.data<T>(), dy.data<T>(), deps.data<T>());
                        });
                        gradients.Add(1, deps);
                      });
}

}  // namespace

Tensor NodeMask(const Tensor& num_nodes, int64_t n, DType dtype) {
  const Tensor mask = Tensor::Empty({num_nodes.dim(0), n}, dtype, num_nodes.device());
  Dispatch("NodeMask", mask, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::NodeMask(device, mask.dim(0), n, num_nodes.data<int32_t>(), mask.data<T>());
  });
  return mask;
}

Variable MessageSum(const Variable& x, const Variable& eps, const EdgeLists& edges) {
  return SumMessages(FromBF16(x), eps, edges, {});
}

Variable MessageSumWithHub(const Variable& x, const Variable& eps, const EdgeLists& edges, const Tensor& num_nodes) {
  return SumMessages(FromBF16(x), eps, edges, num_nodes);
}

Variable NormalizedMessageSum(const Variable& x, const Tensor& s, double self, const Variable& bias,
                              const EdgeLists& edges) {
  if (x.dtype() == DType::kBF16) return NormalizedMessageSum(FromBF16(x), s, self, bias, edges);
  Check(x.rank() == 4 && x.dim(0) == edges.graphs && x.dim(2) == edges.n && s.shape() == Shape{edges.graphs, edges.n} &&
            s.dtype() == x.dtype() && (!bias.defined() || bias.shape() == Shape{x.dim(3)}),
        "NormalizedMessageSum: x ", x.value().Describe(), ", s ", s.Describe(), ", bias ",
        bias.defined() ? bias.value().Describe() : "", " on ", edges.graphs, " graphs of ", edges.n, " nodes");
  const kernels::MessageShape shape = {x.dim(0), x.dim(1), edges.n, x.dim(3)};
  const Tensor eps = Tensor::Full({1}, self - 1, x.dtype(), x.device());
  const auto run = [=](const Tensor& offsets, const Tensor& sources, const Tensor& bias, const Tensor& from) {
    const Tensor to = Tensor::EmptyLike(from);
    Dispatch("NormalizedMessageSum", from, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::NormalizedMessageSum(device, shape, offsets.data<int32_t>(), sources.data<int32_t>(), eps.data<T>(),
                                    s.data<T>(), bias.data_or_null<const T>(), from.data<T>(), to.data<T>());
    });
    return to;
  };
  const Tensor y = run(edges.offsets, edges.sources, bias.defined() ? bias.value() : Tensor(), x.value());
  return MakeVariable("NormalizedMessageSum", y, {x, bias}, [=](const Gradients& gradients) {
    const Tensor& dy = gradients.output();
    if (gradients.Needs(0)) gradients.Add(0, run(edges.reverse_offsets, edges.reverse_sources, {}, dy));
    if (gradients.Needs(1)) gradients.Add(1, SumToShape(dy, {shape.channels}));
  });
}

}  // namespace orbit
