// Linear layer: y = x W^T + b.
#ifndef ORBIT_ENGINE_NN_LINEAR_H_
#define ORBIT_ENGINE_NN_LINEAR_H_

#include "engine/nn/init.h"
#include "engine/nn/module.h"
#include "engine/ops/linear.h"

namespace orbit::nn {

// x [..., in] -> [..., out]; parameters weight [out, in] and, with `with_bias`, bias [out], both U(+-1 / sqrt(in)).
class Linear : public Module {
 public:
  Linear(int64_t in, int64_t out, Generator& generator, bool with_bias = true)
      : weight(AddParameter("weight", FanInUniform({out, in}, in, generator))),
        bias(with_bias ? AddParameter("bias", FanInUniform({out}, in, generator)) : Variable()) {}

  Variable operator()(const Variable& x) const { return orbit::Linear(x, weight, bias); }

  const Variable weight;
  const Variable bias;  // undefined without bias
};

}  // namespace orbit::nn

#endif  // ORBIT_ENGINE_NN_LINEAR_H_
