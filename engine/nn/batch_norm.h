// Batch normalisation with a learned scale and shift.
#ifndef ORBIT_ENGINE_NN_BATCH_NORM_H_
#define ORBIT_ENGINE_NN_BATCH_NORM_H_

#include "engine/nn/module.h"
#include "engine/ops/batch_norm.h"

namespace orbit::nn {

// x [..., channels] -> the same: parameters weight [channels], ones at first, and bias, zeros; buffers running_mean,
// zeros, and running_var, ones, which move in training. As PyTorch's BatchNorm1d.
class BatchNorm : public Module {
 public:
  explicit BatchNorm(int64_t channels)
      : weight(AddParameter("weight", Tensor::Full({channels}, 1))),
        bias(AddParameter("bias", Tensor::Zeros({channels}))),
        running_mean(AddBuffer("running_mean", Tensor::Zeros({channels}))),
        running_var(AddBuffer("running_var", Tensor::Full({channels}, 1))) {}

  Variable operator()(const Variable& x) const { return Apply(x, false); }
  // max(., 0) of it, in one pass.
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
