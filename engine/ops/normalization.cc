#include "engine/ops/normalization.h"

#include "engine/dispatch.h"
#include "kernels/layer_norm.h"

namespace orbit {

Variable LayerNorm(const Variable& x, const Variable& weight, const Variable& bias, double eps) {
  Check(x.rank() >= 1 && weight.shape() == Shape{x.dim(-1)} && bias.shape() == weight.shape(), "LayerNorm of ",
        x.value().Describe(), " with weight ", weight.value().Describe());
  const int64_t width = x.dim(-1), rows = width > 0 ? x.size() / width : 0;
  Tensor y = Tensor::EmptyLike(x.value());
  Dispatch("LayerNorm", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::LayerNormForward(device, rows, width, T(eps), x.value().data<T>(), weight.value().data<T>(),
                              bias.value().data<T>(), y.data<T>());
  });
  return MakeVariable(
      "LayerNorm", y, {x, weight, bias}, [=, x = x.value(), weight = weight.value()](const Gradients& gradients) {
        Tensor dx = Tensor::EmptyLike(x), dweight = Tensor::EmptyLike(weight);
        Tensor dbias = Tensor::EmptyLike(weight);
        Dispatch("LayerNorm", x, [&]<class T>(auto device, std::type_identity<T>) {
          kernels::LayerNormBackward(device, rows, width, T(eps), x.data<T>(), weight.data<T>(),
                                     gradients.output().data<T>(), dx.data<T>(), dweight.data<T>(), dbias.data<T>());
        });
        gradients.Add(0, dx);
        gradients.Add(1, dweight);
        gradients.Add(2, dbias);
      });
}

}  // namespace orbit
