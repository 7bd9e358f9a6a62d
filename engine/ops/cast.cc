#include "engine/ops/cast.h"

#include <algorithm>
#include <utility>

#include "engine/autocast.h"

namespace orbit {

Variable Cast(const Variable& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Check(IsFloating(x.dtype()) && IsFloating(dtype), "Cast of ", x.value().Describe(), " to ", NameOf(dtype));
  return MakeVariable("Cast", x.value().To(dtype), {x},
                      [](const Gradients& gradients) { gradients.Add(0, gradients.output()); });
}

Tensor AutocastOperand(const Tensor& x) {
  return x.dtype() == DType::kF32 && Autocast::current() == Precision::kBf16 ? x.To(DType::kBF16) : x;
}

std::vector<Tensor> AutocastTogether(std::vector<Tensor> operands) {
  const auto is_bf16 = [](const Tensor& x) { return x.dtype() == DType::kBF16; };
  if (std::any_of(operands.begin(), operands.end(), is_bf16))
    for (Tensor& x : operands) x = AutocastOperand(x);
  return operands;
}

bool Serves(const Variable& parameter, DType activations) {
  return parameter.dtype() == activations || parameter.dtype() == SumDType(activations);
}

Variable FromBF16(const Variable& x) { return x.dtype() == DType::kBF16 ? Cast(x, DType::kF32) : x; }

}  // namespace orbit
