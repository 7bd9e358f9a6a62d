// Layer normalisation with a learned scale and shift.
#ifndef ORBIT_ENGINE_NN_LAYER_NORM_H_
#define ORBIT_ENGINE_NN_LAYER_NORM_H_

#include "engine/nn/module.h"
#include "engine/ops/normalization.h"

namespace orbit::nn {

// x [..., width] -> [..., width]. Parameters: weight [width], initially 1, and bias [width], initially 0.
class LayerNorm : public Module {
 public:
  explicit LayerNorm(int64_t width, double eps = 1e-5)
      : weight(AddParameter("weight", Tensor::Full({width}, 1))),
        bias(AddParameter("bias", Tensor::Zeros({width}))),
        eps_(eps) {}

  Variable operator()(const Variable& x) const { return orbit::LayerNorm(x, weight, bias, eps_); }

  const Variable weight;
  const Variable bias;

 private:
  double eps_;
};

}  // namespace orbit::nn

#endif  // ORBIT_ENGINE_NN_LAYER_NORM_H_
