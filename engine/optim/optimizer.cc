#include "engine/optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "engine/dispatch.h"
#include "kernels/optimizer.h"

namespace orbit::optim {

Optimizer::Optimizer(std::vector<NamedVariable> parameters, double weight_decay, const DecayFilter& decays)
    : parameters_(std::move(parameters)) {
  Check(!parameters_.empty(), "an optimiser needs parameters");
  Check(weight_decay >= 0, "weight decay ", weight_decay, " is negative");
  const Tensor& first = parameters_[0].variable.value();
  for (const NamedVariable& parameter : parameters_) {
    const Tensor& value = parameter.variable.value();
    Check(value.dtype() == first.dtype() && value.device() == first.device() &&
              (value.dtype() == DType::kF32 || value.dtype() == DType::kF64),
          "an optimiser takes f32 or f64 parameters of one dtype on one device; ", parameter.name, " is ",
          value.Describe());
    const std::shared_ptr<BF16Copy> copy = parameter.variable.KeepBF16();  // a variable has one, whatever its names
    const auto same = std::find(copies_.begin(), copies_.end(), copy);
    Check(same == copies_.end(), "an optimiser would update a parameter twice: ",
          parameters_[static_cast<size_t>(same - copies_.begin())].name, " and ", parameter.name, " are one");
    copies_.push_back(copy);
    weight_decays_.push_back(!decays || decays(parameter) ? weight_decay : 0);
  }
}

BFloat16* Optimizer::Rounded::Of(size_t parameter) {
  const Tensor copy = optimizer_.copies_[parameter]->ToUpdate(optimizer_.parameters_[parameter].variable.value());
  if (!copy.defined()) return nullptr;
  parameters_.push_back(parameter);
  return copy.data<BFloat16>();
}

void Optimizer::Rounded::Written() const {
  for (const size_t i : parameters_) optimizer_.copies_[i]->Updated(optimizer_.parameters_[i].variable.value());
}

void Optimizer::ZeroGrad() const {
  for (const NamedVariable& parameter : parameters_) parameter.variable.ZeroGrad();
}

std::vector<Tensor> Optimizer::AddState(const std::string& kind) {
  std::vector<Tensor> tensors;
  for (const auto& [name, variable] : parameters_) {
    tensors.push_back(Tensor::ZerosLike(variable.value()));
    Check(state_.emplace(kind + "/" + name, tensors.back()).second, "two parameters are named ", name);
  }
  return tensors;
}

std::vector<Tensor> Optimizer::AddStepCounts() {
  std::vector<Tensor> counts;
  for (const auto& [name, variable] : parameters_) {
    counts.push_back(Tensor::Zeros({}, DType::kI64));
    Check(state_.emplace("step/" + name, counts.back()).second, "two parameters are named ", name);
  }
  return counts;
}

kernels::Clipping Optimizer::ClippingTo(const Tensor& squared_norm, double max_norm) {
  Check(max_norm >= 0, "the largest norm of a gradient is ", max_norm);
  if (!squared_norm.defined()) return {};
  Check(squared_norm.size() == 1, "the squared norm of gradients is one number, not ", squared_norm.Describe());
  return {.squared_norm = squared_norm.data<double>(), .max_norm = max_norm};
}

Tensor SquaredGradientNorm(const std::vector<NamedVariable>& parameters) {
  std::vector<Tensor> gradients;
  for (const NamedVariable& parameter : parameters)
    if (parameter.variable.grad().defined()) gradients.push_back(parameter.variable.grad());
  if (gradients.empty()) return Tensor::Zeros({}, DType::kF64);
  const Tensor sum = Tensor::Empty({}, DType::kF64, gradients[0].device());
  Dispatch("SquaredGradientNorm", gradients[0], [&]<class T>(auto device, std::type_identity<T>) {
    std::vector<kernels::Array<T>> arrays;
    for (const Tensor& gradient : gradients) arrays.push_back({gradient.size(), gradient.data<T>()});
    kernels::SumOfSquares(device, std::span<const kernels::Array<T>>(arrays), sum.data<double>());
  });
  return sum;
}

double GradientNorm(const std::vector<NamedVariable>& parameters) {
  return std::sqrt(SquaredGradientNorm(parameters).Item());
}

std::string FirstNonFiniteGradient(const std::vector<NamedVariable>& parameters) {
  for (const auto& [name, variable] : parameters)
    if (!std::isfinite(GradientNorm({{name, variable}}))) return name;
  return "";
}

}  // namespace orbit::optim
