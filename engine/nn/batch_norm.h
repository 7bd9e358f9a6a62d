// Batch normalisation with a learned scale and shift.
#ifndef ORBIT_ENGINE_NN_BATCH_NORM_H_
#define ORBIT_ENGINE_NN_BATCH_NORM_H_

#include "engine/nn/module.h"
#include "engine/ops/batch_norm.h"

namespace orbit::nn {

// x [..., channels] -> [..., channels], as PyTorch's BatchNorm1d. Parameters: weight [channels], initially 1, and bias
// [channels], initially 0. Buffers: running_mean, initially 0, and running_var, initially 1, which are updated in
// training.
class BatchNorm : public Module {
 public:
  explicit BatchNorm(int64_t channels)
      : weight(AddParameter("weight", Tensor::Full({channels}, 1))),
        bias(AddParameter("bias", Tensor::Zeros({channels}))),
        running_mean(AddBuffer("running_mean", Tensor::Zeros({channels}))),
        running_var(AddBuffer("running_var", Tensor::Full({channels}, 1))) {}

  Variable operator()(const Variable& x) const { return Apply(x, false); }
  // Followed by a ReLU, in one pass.
  Variable ThenRelu(const Variable& x) const { return Apply(x, true); }

  const Variable weight, bias, running_mean, running_var;

 private:
  Variable Apply(const Variable& x, bool relu) const {
    return orbit::BatchNorm(x, weight, bias, {.mean = running_mean.value(), .variance = running_var.value()},
                            training(), relu);
  }
};

}  // namespace orbit::nn

#endif  // ORBIT_ENGINE_NN_BATCH_NORM_H_
