// Stochastic gradient descent with momentum, as PyTorch's SGD with dampening 0.
#ifndef ORBIT_ENGINE_OPTIM_SGD_H_
#define ORBIT_ENGINE_OPTIM_SGD_H_

#include "engine/optim/optimizer.h"

namespace orbit::optim {

struct SgdOptions {
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;  // L2 penalty: weight_decay * parameter is added to the gradient
  DecayFilter decays = {};
};

// State, if there is momentum: "momentum_buffer/NAME".
class Sgd : public Optimizer {
 public:
  explicit Sgd(std::vector<NamedVariable> parameters, SgdOptions options = {});
  Tensor Rates(double learning_rate) const override;  // [1]: the learning rate
  void Update(const Tensor& rates, const Tensor& squared_norm, double max_norm) override;

 private:
  SgdOptions options_;
  std::vector<Tensor> velocities_;  // empty without momentum
};

}  // namespace orbit::optim

#endif  // ORBIT_ENGINE_OPTIM_SGD_H_
