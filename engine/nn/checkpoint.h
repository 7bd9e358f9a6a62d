// Activation checkpointing (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016).
#ifndef ORBIT_ENGINE_NN_CHECKPOINT_H_
#define ORBIT_ENGINE_NN_CHECKPOINT_H_

#include <functional>
#include <type_traits>
#include <vector>

#include "engine/nn/module.h"
#include "engine/random.h"

namespace orbit::nn {

// What a module makes of variables; `generator` draws its dropout.
using ModuleForward = std::function<Variable(const std::vector<Variable>& inputs, Generator& generator)>;

// The same result, gradients and random numbers as forward(inputs, generator), bit for bit, for less memory: nothing
// that it computes on the way is kept for the backward, which computes it again. `forward` must be a function of its
// arguments and of the parameters of `module`, which has to outlive the backward, and nothing else that gets a
// gradient. Statistics of batches are collected the first time alone.
Variable Checkpoint(const Module& module, const ModuleForward& forward, const std::vector<Variable>& inputs,
                    Generator& generator);

// module(x) or, where it draws, module(x, generator).
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
