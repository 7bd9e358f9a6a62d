// Adam (Kingma and Ba, ICLR 2015) and AdamW (Loshchilov and Hutter, ICLR 2019), as in PyTorch.
#ifndef ORBIT_ENGINE_OPTIM_ADAM_H_
#define ORBIT_ENGINE_OPTIM_ADAM_H_

#include "engine/optim/optimizer.h"

namespace orbit::optim {

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;  // AdamW: the decay shrinks the parameters instead of adding to the gradient
  DecayFilter decays = {};
  RateFactor rate_factor = {};
};

// State: "exp_avg/NAME", "exp_avg_sq/NAME", "step/NAME".
class Adam : public Optimizer {
 public:
  explicit Adam(std::vector<NamedVariable> parameters, AdamOptions options = {});
  Tensor Rates(double learning_rate) const override;  // [parameters, 3]: kernels::AdamFactors per parameter
  void Update(const Tensor& rates, const Tensor& squared_norm, double max_norm) override;

 private:
  AdamOptions options_;
  std::vector<double> rate_factors_;
  std::vector<Tensor> means_, squares_, steps_;
};

}  // namespace orbit::optim

#endif  // ORBIT_ENGINE_OPTIM_ADAM_H_
