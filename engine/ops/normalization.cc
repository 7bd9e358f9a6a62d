#include "engine/ops/normalization.h"

#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"

namespace orbit {

Variable LayerNorm(const Variable& x, const Variable& weight, const Variable& bias, double eps) {
  Check(x.rank() >= 1 && weight.shape() == Shape{x.dim(-1)} && bias.shape() == weight.shape(), "LayerNorm of ",
        x.value().Describe(), " with weight ", weight.value().Describe());
  const Variable centred = Sub(x, Mean(x, {-1}, /*keepdim=*/true));
  const Variable deviation = Sqrt(AddScalar(Mean(Square(centred), {-1}, /*keepdim=*/true), eps));
  return Add(Mul(Div(centred, deviation), weight), bias);
}

}  // namespace orbit
