// TrainingStep: one update of parameters by the gradients of a batch of examples.
//
//   TrainingStep step(optimizer, forward, {.accumulate = 4, .clip_norm = 0.1});
//   for (...) pending.push_back(step.Run({examples}, learning_rate, generator));
//
// The batch goes through `forward` and backward in micro-batches of rows, for the memory of one of them. What comes of
// it is that of the whole batch, to rounding: the loss's parts are sums with the batch's own denominators
// (engine/training/loss.h), and random numbers are those of the batch's rows (engine/random.h). The exception is
// BatchNorm, which normalises by the statistics of the rows that it sees together: those of a micro-batch. Running
// statistics move once a step, towards the mean and variance of the batch's rows together.
#ifndef ORBIT_ENGINE_TRAINING_TRAINING_STEP_H_
#define ORBIT_ENGINE_TRAINING_TRAINING_STEP_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/optim/optimizer.h"
#include "engine/random.h"
#include "engine/readback.h"
#include "engine/step_graph.h"
#include "engine/training/loss.h"

namespace orbit {

// Part `i` of `parts` nearly equal ones of some rows: the micro-batches of a step.
Span PartOf(int64_t rows, int64_t parts, int64_t i);

struct TrainingStepOptions {
  int64_t accumulate = 1;  // micro-batches a step, whose sizes differ by at most one row
  double clip_norm = 0;    // the largest norm of the gradient; 0: no clipping
  bool capture = false;    // once they are warm, steps are launched as one (engine/step_graph.h)
};

// What is logged of a step.
struct StepNumbers {
  double loss;
  double gradient_norm;                               // before clipping
  std::vector<std::pair<std::string, double>> parts;  // of the loss, without their weights
};

// The numbers of a step, on their way to the host.
class PendingNumbers {
 public:
  PendingNumbers(std::vector<std::string> parts, const std::vector<Tensor>& numbers)
      : parts_(std::move(parts)), numbers_(numbers) {}
  StepNumbers Get() const;  // waits for the device

 private:
  std::vector<std::string> parts_;
  Readback numbers_;  // loss, squared norm, parts
};

class TrainingStep {
 public:
  // The loss of some rows of the batch. `inputs` are those of Run, whole: with rows.first and rows.count, the function
  // takes its rows from them. The generator draws for these rows, and every micro-batch has to draw as often. Returns
  // the same parts, in the same order, for all rows.
  using Forward =
      std::function<std::vector<LossPart>(const std::vector<Tensor>& inputs, const Span& rows, Generator& generator)>;

  // The optimiser must outlive the step. Throws Error for options that make no sense.
  TrainingStep(optim::Optimizer& optimizer, Forward forward, TrainingStepOptions options = {});

  // A step. The first axis of inputs[0] is the batch's rows; all that differs from step to step comes in `inputs`, on
  // any device, and `generator`, which moves on. Where a gradient is not finite the parameters stay as they are.
  PendingNumbers Run(std::vector<Tensor> inputs, double learning_rate, Generator& generator);

  // Leaves in the parameters' grad() what Run would update them by, before clipping, and changes nothing else. Returns
  // the loss, and its parts without their weights, each a tensor [].
  std::vector<Tensor> Gradients(const std::vector<Tensor>& inputs, Generator& generator);

  // The kernels, fills and copies of a captured step; 0 before there is one.
  int64_t captured_size() const { return graph_.size(); }

 private:
  std::vector<Tensor> Update(const std::vector<Tensor>& inputs, Generator& generator);
  std::vector<Tensor> AddGradients(const std::vector<Tensor>& inputs, Generator& generator);
  void AddNumbers(const std::vector<LossPart>& parts, const Variable& loss, std::vector<Tensor>& numbers);

  optim::Optimizer& optimizer_;
  const Forward forward_;
  const TrainingStepOptions options_;
  std::vector<std::string> parts_;  // names
  StepGraph graph_;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_TRAINING_TRAINING_STEP_H_
