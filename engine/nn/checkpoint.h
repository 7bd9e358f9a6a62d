// Activation checkpointing (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016).
#ifndef ORBIT_ENGINE_NN_CHECKPOINT_H_
#define ORBIT_ENGINE_NN_CHECKPOINT_H_

#include <functional>
#include <type_traits>
#include <vector>

#include "engine/nn/module.h"
#include "engine/random.h"

namespace orbit::nn {

// Computes a module's result from variables; dropout draws from `generator`.
using ModuleForward = std::function<Variable(const std::vector<Variable>& inputs, Generator& generator)>;

// Returns forward(inputs, generator), with the same result, gradients and random numbers, bit for bit, in less memory:
// intermediate results are not kept but recomputed in backward. `forward` may depend only on its arguments and on the
// parameters of `module`, which must outlive the backward; nothing else gets a gradient. Batch statistics are collected
// only in the first computation.
Variable Checkpoint(const Module& module, const ModuleForward& forward, const std::vector<Variable>& inputs,
                    Generator& generator);

// module(x) or, if the module draws random numbers, module(x, generator).
template <class M>
Variable Checkpoint(const M& module, const Variable& x, Generator& generator) {
  return Checkpoint(
      module,
      [&module](const std::vector<Variable>& inputs, Generator& generator) -> Variable {
        if constexpr (std::is_invocable_v<const M&, const Variable&, Generator&>)
          return module(inputs[0], generator);
        else
          return module(inputs[0]);
      },
      {x}, generator);
}

}  // namespace orbit::nn

#endif  // ORBIT_ENGINE_NN_CHECKPOINT_H_
