#include "engine/ops/graph_attention.h"

#include "engine/dispatch.h"
#include "engine/ops/cast.h"
#include "kernels/graph_attention.h"

namespace orbit {

Variable GraphAttention(const Variable& z, const Variable& from, const Variable& to, const EdgeLists& edges,
                        double slope) {
  if (z.dtype() == DType::kBF16) return GraphAttention(FromBF16(z), FromBF16(from), FromBF16(to), edges, slope);
  Check(z.rank() == 5 && z.dim(0) == edges.graphs && z.dim(2) == edges.n && from.dtype() == z.dtype() &&
            to.dtype() == z.dtype() && from.shape() == Shape({z.dim(0), z.dim(1), z.dim(2), z.dim(3)}) &&
            to.shape() == from.shape(),
        "GraphAttention: z ", z.value().Describe(), ", from ", from.value().Describe(), ", to ", to.value().Describe(),
        " on ", edges.graphs, " graphs of ", edges.n, " nodes");
  const kernels::GraphAttentionShape shape = {z.dim(0), z.dim(1), z.dim(2), z.dim(3), z.dim(4)};
  const Tensor y = Tensor::EmptyLike(z.value());
  Dispatch("GraphAttention", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::GraphAttention(device, shape, static_cast<T>(slope), edges.offsets.data<int32_t>(),
                            edges.sources.data<int32_t>(), z.value().data<T>(), from.value().data<T>(),
                            to.value().data<T>(), y.data<T>());
  });
  return MakeVariable(
      "GraphAttention", y, {z, from, to},
      [=, z = z.value(), from = from.value(), to = to.value()](const Gradients& gradients) {
        const Tensor& dy = gradients.output();
        const Tensor dz = Tensor::EmptyLike(z), dfrom = Tensor::EmptyLike(from), dto = Tensor::EmptyLike(to);
        Dispatch("GraphAttention", dy, [&]<class T>(auto device, std::type_identity<T>) {
          kernels::GraphAttentionBackward(device, shape, static_cast<T>(slope), edges.offsets.data<int32_t>(),
                                          edges.sources.data<int32_t>(), z.data<T>(), from.data<T>(), to.data<T>(),
                                          dy.data<T>(), dz.data<T>(), dfrom.data<T>(), dto.data<T>());
        });
        gradients.Add(0, dz);
        gradients.Add(1, dfrom);
        gradients.Add(2, dto);
      });
}

}  // namespace orbit
