#include "engine/optim/adam.h"

#include <cmath>
#include <span>

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
}

void Adam::Step(double learning_rate, const Tensor& squared_norm, double max_norm) {
  Dispatch("Adam", means_[0], [&]<class T>(auto device, std::type_identity<T>) {
    std::vector<kernels::AdamTensor<T>> tensors;
    for (size_t i = 0; i < parameters().size(); ++i) {
      const Variable& variable = parameters()[i].variable;
      if (!variable.grad().defined()) continue;
      const double step = static_cast<double>(++*steps_[i].data<int64_t>());
      tensors.push_back({.size = variable.size(),
                         .parameter = variable.value().data<T>(),
                         .gradient = variable.grad().data<T>(),
                         .mean = means_[i].data<T>(),
                         .square = squares_[i].data<T>(),
                         .step_size = static_cast<T>(learning_rate / (1 - std::pow(options_.beta1, step))),
                         .root_factor = static_cast<T>(1 / std::sqrt(1 - std::pow(options_.beta2, step))),
                         .gradient_decay = static_cast<T>(options_.decoupled ? 0 : weight_decay(i)),
                         .kept = static_cast<T>(options_.decoupled ? 1 - learning_rate * weight_decay(i) : 1)});
    }
    kernels::AdamStep(device, std::span<const kernels::AdamTensor<T>>(tensors),
                      kernels::AdamRates<T>{.beta1 = static_cast<T>(options_.beta1),
                                            .beta2 = static_cast<T>(options_.beta2),
                                            .epsilon = static_cast<T>(options_.epsilon)},
                      ClippingTo(squared_norm, max_norm));
  });
}

}  // namespace orbit::optim
