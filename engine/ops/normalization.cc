#include "engine/ops/normalization.h"

#include "engine/dispatch.h"
#include "engine/ops/cast.h"
#include "kernels/layer_norm.h"

namespace orbit {

Variable LayerNorm(const Variable& x, const Variable& weight, const Variable& bias, double eps) {
  const Tensor input = AutocastOperand(x);
  Check(x.rank() >= 1 && weight.shape() == Shape{x.dim(-1)} && bias.shape() == weight.shape() &&
            Serves(weight, input.dtype()) && Serves(bias, input.dtype()),
        "LayerNorm of ", input.Describe(), " with weight ", weight.value().Describe(), ", bias ",
        bias.value().Describe());
  const int64_t width = x.dim(-1), rows = width > 0 ? x.size() / width : 0;
  const DType sums = SumDType(input.dtype());
  const Tensor w = weight.value().To(sums), b = bias.value().To(sums), y = Tensor::EmptyLike(input);
  DispatchWithBF16("LayerNorm", y, [&]<class T>(auto device, std::type_identity<T>) {
    using S = kernels::SumType<T>;
    kernels::LayerNormForward(device, rows, width, S(eps), input.data<const T>(), w.data<const S>(), b.data<const S>(),
                              y.data<T>());
  });
  return MakeVariable("LayerNorm", y, {x, weight, bias}, [=](const Gradients& gradients) {
    // The gradient of a residual branch that begins at x as well is added on the way.
    const Tensor sum = gradients.Take(0);
    const bool adds = sum.defined() && sum.dtype() == input.dtype();
    const Tensor dx = adds && sum.exclusive() ? sum : Tensor::EmptyLike(input);
    const Tensor dweight = Tensor::EmptyLike(w), dbias = Tensor::EmptyLike(w);
    DispatchWithBF16("LayerNorm", input, [&]<class T>(auto device, std::type_identity<T>) {
      using S = kernels::SumType<T>;
      kernels::LayerNormBackward(device, rows, width, S(eps), input.data<const T>(), w.data<const S>(),
                                 gradients.output().data<T>(), adds ? sum.data<T>() : nullptr, dx.data<T>(),
                                 dweight.data<S>(), dbias.data<S>());
    });
    if (sum.defined() && !adds) gradients.Add(0, sum);
    gradients.Add(0, dx);
    gradients.Add(1, dweight);
    gradients.Add(2, dbias);
  });
}

}  // namespace orbit
