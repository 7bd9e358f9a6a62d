#include "engine/nn/checkpoint.h"

#include "engine/ops/batch_statistics.h"

namespace orbit::nn {

Variable Checkpoint(const Module& module, const ModuleForward& forward, const std::vector<Variable>& inputs,
                    Generator& generator) {
  std::vector<Variable> reads = inputs;
  for (const NamedVariable& parameter : module.NamedParameters()) reads.push_back(parameter.variable);
  if (!GradientsWanted(reads)) return forward(inputs, generator);
  const Generator before = generator;
  Tensor y;
  {
    const NoGrad no_grad;
    y = forward(inputs, generator).value();
  }
  return MakeVariable("Checkpoint", y, reads, [=](const Gradients& gradients) {
    const StatisticsCollector already_collected;
    Generator again = before;
    BackwardThrough([&] { return forward(inputs, again); }, gradients.output());
  });
}

}  // namespace orbit::nn
