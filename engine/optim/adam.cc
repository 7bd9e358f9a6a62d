#include "engine/optim/adam.h"

#include <cmath>
#include <span>

#include "engine/capture.h"
#include "engine/dispatch.h"
#include "kernels/optimizer.h"

namespace orbit::optim {

Adam::Adam(std::vector<NamedVariable> parameters, AdamOptions options)
    : Optimizer(std::move(parameters), options.weight_decay, options.decays),
      options_(std::move(options)),
      means_(AddState("exp_avg")),
      squares_(AddState("exp_avg_sq")),
      steps_(AddStepCounts()) {
  Check(0 <= options_.beta1 && options_.beta1 < 1 && 0 <= options_.beta2 && options_.beta2 < 1 && options_.epsilon >= 0,
        "Adam with beta1 ", options_.beta1, ", beta2 ", options_.beta2, ", epsilon ", options_.epsilon);
  for (const NamedVariable& parameter : this->parameters()) {
    rate_factors_.push_back(options_.rate_factor ? options_.rate_factor(parameter) : 1);
    Check(rate_factors_.back() >= 0, parameter.name, " has the learning rate's factor ", rate_factors_.back());
  }
}

Tensor Adam::Rates(double learning_rate) const {
  std::vector<double> factors;  // in the order of kernels::AdamFactors
  for (size_t i = 0; i < parameters().size(); ++i) {
    const double rate = learning_rate * rate_factors_[i];
    const double step = static_cast<double>(*steps_[i].data<int64_t>() + 1);
    factors.push_back(rate / (1 - std::pow(options_.beta1, step)));
    factors.push_back(1 / std::sqrt(1 - std::pow(options_.beta2, step)));
    factors.push_back(options_.decoupled ? 1 - rate * weight_decay(i) : 1);
  }
  return Tensor::From(factors, {std::ssize(parameters()), 3}).To(means_[0].dtype());
}

void Adam::Update(const Tensor& rates, const Tensor& squared_norm, double max_norm) {
  Check(rates.size() == 3 * std::ssize(parameters()), "Adam's rates are ", rates.Describe());
  const Tensor there = rates.To(means_[0].device());
  std::vector<Tensor> counts;
  Rounded rounded(*this);
  Dispatch("Adam", means_[0], [&]<class T>(auto device, std::type_identity<T>) {
    const auto* factors = reinterpret_cast<const kernels::AdamFactors<T>*>(there.data<T>());
    std::vector<kernels::AdamTensor<T>> tensors;
    for (size_t i = 0; i < parameters().size(); ++i) {
      const Variable& variable = parameters()[i].variable;
      if (!variable.grad().defined()) continue;
      counts.push_back(steps_[i]);
      BFloat16* copy = rounded.Of(i);
      tensors.push_back({.size = variable.size(),
                         .parameter = variable.value().data<T>(),
                         .gradient = variable.grad().data<T>(),
                         .mean = means_[i].data<T>(),
                         .square = squares_[i].data<T>(),
                         .factors = factors + i,
                         .gradient_decay = static_cast<T>(options_.decoupled ? 0 : weight_decay(i)),
                         .rounded = copy});
    }
    kernels::AdamStep(device, std::span<const kernels::AdamTensor<T>>(tensors),
                      kernels::AdamRates<T>{.beta1 = static_cast<T>(options_.beta1),
                                            .beta2 = static_cast<T>(options_.beta2),
                                            .epsilon = static_cast<T>(options_.epsilon)},
                      ClippingTo(squared_norm, max_norm));
  });
  rounded.Written();
  OnLaunch(means_[0].device(), [counts] {
    for (const Tensor& count : counts) ++*count.data<int64_t>();
  });
}

}  // namespace orbit::optim
