#include "engine/ops/message_passing.h"

#include "engine/dispatch.h"
#include "kernels/message_passing.h"

namespace orbit {

Variable MessageSum(const Variable& x, const Variable& eps, const EdgeLists& edges) {
  Check(x.rank() == 4 && x.dim(0) == edges.graphs && x.dim(2) == edges.n && eps.size() == 1 && eps.dtype() == x.dtype(),
        "MessageSum: x ", x.value().Describe(), ", eps ", eps.value().Describe(), " on ", edges.graphs, " graphs of ",
        edges.n, " nodes");
  const kernels::MessageShape shape = {x.dim(0), x.dim(1), x.dim(2), x.dim(3)};
  Tensor y = Tensor::EmptyLike(x.value());
  Dispatch("MessageSum", x.value(), [&]<class T>(auto device, std::type_identity<T>) {
    kernels::MessageSum(device, shape, edges.offsets.data<int32_t>(), edges.sources.data<int32_t>(),
                        eps.value().data<T>(), x.value().data<T>(), y.data<T>());
  });
  return MakeVariable("MessageSum", y, {x, eps}, [=, x = x.value(), eps = eps.value()](const Gradients& gradients) {
    const Tensor& dy = gradients.output();
    Dispatch("MessageSum", x, [&]<class T>(auto device, std::type_identity<T>) {
      if (gradients.Needs(0)) {
        Tensor dx = Tensor::EmptyLike(x);
        kernels::MessageSum(device, shape, edges.reverse_offsets.data<int32_t>(), edges.reverse_sources.data<int32_t>(),
                            eps.data<T>(), dy.data<T>(), dx.data<T>());
        gradients.Add(0, dx);
      }
      if (gradients.Needs(1)) {
        Tensor deps = Tensor::EmptyLike(eps);
        kernels::DotProduct(device, x.size(), x.data<T>(), dy.data<T>(), deps.data<T>());
        gradients.Add(1, deps);
      }
    });
  });
}

}  // namespace orbit
