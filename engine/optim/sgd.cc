#include "engine/optim/sgd.h"

#include <span>

#include "engine/dispatch.h"
#include "kernels/optimizer.h"

namespace orbit::optim {

Sgd::Sgd(std::vector<NamedVariable> parameters, SgdOptions options)
    : Optimizer(std::move(parameters), options.weight_decay, options.decays), options_(std::move(options)) {
  Check(0 <= options_.momentum && (options_.momentum > 0 || !options_.nesterov), "SGD with momentum ",
        options_.momentum, options_.nesterov ? " and nesterov" : "");
  if (options_.momentum > 0) velocities_ = AddState("momentum_buffer");
}

Tensor Sgd::Rates(double learning_rate) const {
  return Tensor::Full({1}, learning_rate, parameters()[0].variable.dtype());
}

void Sgd::Update(const Tensor& rates, const Tensor& squared_norm, double max_norm) {
  const Tensor there = rates.To(parameters()[0].variable.device());
  Rounded rounded(*this);
  Dispatch("Sgd", parameters()[0].variable.value(), [&]<class T>(auto device, std::type_identity<T>) {
    std::vector<kernels::SgdTensor<T>> tensors;
    for (size_t i = 0; i < parameters().size(); ++i) {
      const Variable& variable = parameters()[i].variable;
      if (!variable.grad().defined()) continue;
      BFloat16* copy = rounded.Of(i);
      tensors.push_back({.size = variable.size(),
                         .parameter = variable.value().data<T>(),
                         .gradient = variable.grad().data<T>(),
                         .velocity = velocities_.empty() ? nullptr : velocities_[i].data<T>(),
                         .gradient_decay = static_cast<T>(weight_decay(i)),
                         .rounded = copy});
    }
    kernels::SgdStep(device, std::span<const kernels::SgdTensor<T>>(tensors),
                     kernels::SgdRates<T>{.learning_rate = there.data<T>(),
                                          .momentum = static_cast<T>(options_.momentum),
                                          .nesterov = options_.nesterov},
                     ClippingTo(squared_norm, max_norm));
  });
  rounded.Written();
}

}  // namespace orbit::optim
