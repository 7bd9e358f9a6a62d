#include "engine/ops/diagonal.h"

#include "engine/dispatch.h"
#include "kernels/diagonal.h"

namespace orbit {
namespace {

Tensor Take(const Tensor& x) {
  Tensor y = Tensor::Empty({x.dim(0), x.dim(1), x.dim(3)}, x.dtype(), x.device());
  DispatchWithBF16("Diagonal", x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::Diagonal(device, x.dim(0), x.dim(1), x.dim(3), x.data<T>(), y.data<T>());
  });
  return y;
}

Tensor Embed(const Tensor& x) {
  Tensor y = Tensor::Empty({x.dim(0), x.dim(1), x.dim(1), x.dim(2)}, x.dtype(), x.device());
  DispatchWithBF16("DiagonalEmbed", x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::DiagonalEmbed(device, x.dim(0), x.dim(1), x.dim(2), x.data<T>(), y.data<T>());
  });
  return y;
}

}  // namespace

Variable Diagonal(const Variable& x) {
  Check(x.rank() == 4 && x.dim(1) == x.dim(2), "Diagonal of ", x.value().Describe());
  return MakeVariable("Diagonal", Take(x.value()), {x},
                      [](const Gradients& gradients) { gradients.Add(0, Embed(gradients.output())); });
}

Variable DiagonalEmbed(const Variable& x) {
  Check(x.rank() == 3, "DiagonalEmbed of ", x.value().Describe());
  return MakeVariable("DiagonalEmbed", Embed(x.value()), {x},
                      [](const Gradients& gradients) { gradients.Add(0, Take(gradients.output())); });
}

}  // namespace orbit
