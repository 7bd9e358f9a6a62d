#include "groups/ops/mean_action.h"

#include "engine/dispatch.h"
#include "kernels/mean_action.h"

namespace orbit {

Variable MeanAction(const Permutation* permutation, const Variable& m, const Variable& x) {
  Check(
      x.rank() == 5 && x.dim(1) >= 1 && (!m.defined() || m.shape() == Shape({x.dim(0), x.dim(1), x.dim(3), x.dim(3)})),
      "MeanAction: matrices ", m.defined() ? m.value().Describe() : "none", ", vectors ", x.value().Describe());
  Check(!permutation || (permutation->hard && permutation->index.shape() == Shape({x.dim(0), x.dim(1), x.dim(2)})),
        "MeanAction: permutations ", permutation ? permutation->index.Describe() : "", ", vectors ",
        x.value().Describe());
  const kernels::MeanActionShape shape = {x.dim(0), x.dim(1), x.dim(2), x.dim(3), x.dim(4)};
  const Tensor index = permutation ? permutation->index : Tensor(),
               ranks = permutation ? Ranks(*permutation) : Tensor();
  const Tensor matrices = m.defined() ? m.value() : Tensor();
  const Tensor y = Tensor::Empty({shape.batch, shape.n, shape.d, shape.channels}, x.dtype(), x.device());
  Dispatch("MeanAction", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::MeanAction(device, shape, ranks.data_or_null<int32_t>(), matrices.data_or_null<T>(), x.value().data<T>(),
                        y.data<T>());
  });
  return MakeVariable(
      "MeanAction", y, {x, m, permutation ? permutation->soft : Variable()},
      [=, x = x.value()](const Gradients& gradients) {
        const Tensor dx = gradients.Needs(0) ? Tensor::EmptyLike(x) : Tensor();
        const Tensor dm = gradients.Needs(1) ? Tensor::EmptyLike(matrices) : Tensor();
        const Tensor dsoft = gradients.Needs(2)
                                 ? Tensor::Empty({shape.batch, shape.samples, shape.n, shape.n}, x.dtype(), x.device())
                                 : Tensor();
        Dispatch("MeanAction", x, [&]<class T>(auto device, std::type_identity<T>) {
          kernels::MeanActionBackward<decltype(device), T>(
              device, shape, index.data_or_null<int32_t>(), matrices.data_or_null<T>(), x.data<T>(),
              gradients.output().data<T>(), dx.data_or_null<T>(), dm.data_or_null<T>(), dsoft.data_or_null<T>());
        });
        if (dx.defined()) gradients.Add(0, dx);
        if (dm.defined()) gradients.Add(1, dm);
        if (dsoft.defined()) gradients.Add(2, dsoft);
      });
}

}  // namespace orbit
