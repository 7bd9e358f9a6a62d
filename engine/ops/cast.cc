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

Tensor AutocastOperand(const Variable& x) {
  const bool casts = x.dtype() == DType::kF32 && Autocast::current() == Precision::kBf16;
  return x.ValueIn(casts ? DType::kBF16 : x.dtype());
}

std::vector<Tensor> AutocastTogether(const std::vector<Variable>& operands) {
  const auto is_bf16 = [](const Variable& x) { return x.dtype() == DType::kBF16; };
  const bool casts = std::any_of(operands.begin(), operands.end(), is_bf16);
  std::vector<Tensor> values;
  for (const Variable& x : operands) values.push_back(casts ? AutocastOperand(x) : x.value());
  return values;
}

bool Serves(const Variable& parameter, DType activations) {
  return parameter.dtype() == activations || parameter.dtype() == SumDType(activations);
}

Variable FromBF16(const Variable& x) { return x.dtype() == DType::kBF16 ? Cast(x, DType::kF32) : x; }

}  // namespace orbit
