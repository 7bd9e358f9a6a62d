// TrainingStep: one update of the parameters by the gradients of a batch.
//
//   TrainingStep step(optimizer, forward, {.accumulate = 4, .clip_norm = 0.1});
//   for (...) pending.push_back(step.Run({examples}, learning_rate, generator));
//
// The batch goes through `forward` and backward in micro-batches of rows and needs the memory of only one of them. Up
// to rounding, the result is that of the whole batch: the parts of the loss are sums with the batch's own denominators
// (engine/training/loss.h), and random numbers are those of the batch's rows (engine/random.h). The exception is
// BatchNorm, which normalises with the statistics of a micro-batch. Running statistics move once per step, towards the
// mean and variance of all rows of the batch.
//
// With a communicator, every micro-batch is divided among its ranks, and the step is again that of the whole batch:
// gradients are summed over the ranks, and BatchNorm normalises with the statistics of the micro-batch, wherever its
// rows are. All ranks get the same inputs, those of the whole batch, and generators at the same position, and end with
// the same parameters.
#ifndef ORBIT_ENGINE_TRAINING_TRAINING_STEP_H_
#define ORBIT_ENGINE_TRAINING_TRAINING_STEP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/distributed/communicator.h"
#include "engine/optim/optimizer.h"
#include "engine/random.h"
#include "engine/readback.h"
#include "engine/step_graph.h"
#include "engine/training/gradient_reducer.h"
#include "engine/training/loss.h"

namespace orbit {

// Part `i` of `parts` nearly equal ones of some rows: the micro-batches of a step, what a rank has of them.
Span PartOf(int64_t rows, int64_t parts, int64_t i);
Span PartOf(const Span& rows, int64_t parts, int64_t i);

struct TrainingStepOptions {
  int64_t accumulate = 1;  // micro-batches per step; their sizes differ by at most one row
  double clip_norm = 0;    // largest norm of the gradient; 0: no clipping
  // Warm steps are launched as one (engine/step_graph.h). The denominators and weights of the loss's parts must then be
  // the same in every step; a divisor that differs goes through `inputs` into the sum, beside the denominator 1.
  bool capture = false;

  // The ranks that share the work; null: this process does all of it. They must outlive the step. Steps over several
  // ranks are not captured.
  Communicator* ranks = nullptr;
  // Whether ranks divide the rows. If not, every rank takes all rows, and the forward divides something else, such as
  // the samples of a mean: it returns the same loss on all ranks, and of the gradients a part on each, which add up.
  bool divide_rows = true;
  ReductionOptions reduction = {};
  // What this rank asks for, such as a stop; asked once a step, after the update. StepNumbers has the largest answers
  // of all ranks. Every rank must answer with as many numbers.
  std::function<std::vector<double>()> requests;
};

// The logged numbers of a step.
struct StepNumbers {
  double loss;
  double gradient_norm;                               // before clipping
  std::vector<std::pair<std::string, double>> parts;  // of the loss, not multiplied by their weights
  std::vector<double> requests;                       // of all ranks
};

// The numbers of a step while they are being copied to the host.
class PendingNumbers {
 public:
  // Waits for the device. Throws Error if a rank was lost.
  StepNumbers Get() const;

 private:
  friend class TrainingStep;

  std::vector<std::string> parts_;
  std::vector<double> requests_;   // of this rank
  Communicator* ranks_ = nullptr;  // whose numbers these are; null: of this process alone
  bool summed_ = false;            // over the ranks; if not, rank 0's are the numbers
  Readback numbers_;               // squared gradient norm; loss, parts and, if there are ranks, requests, by rank
};

class TrainingStep {
 public:
  // Computes the loss of some rows of the batch. `inputs` are the whole ones passed to Run; the function selects its
  // rows by rows.first and rows.count. The generator draws for these rows, and every micro-batch must make the same
  // number of draws. For all rows the function must return the same parts in the same order.
  using Forward =
      std::function<std::vector<LossPart>(const std::vector<Tensor>& inputs, const Span& rows, Generator& generator)>;

  // The optimiser must outlive the step. Throws Error for invalid options.
  TrainingStep(optim::Optimizer& optimizer, Forward forward, TrainingStepOptions options = {});

  // Runs a step. The first axis of inputs[0] is the batch's rows. Everything that changes between steps must be in
  // `inputs`, on any device, or in `generator`, which advances. If a gradient is not finite the parameters stay as they
  // are.
  PendingNumbers Run(std::vector<Tensor> inputs, double learning_rate, Generator& generator);

  // Leaves in the parameters' grad() the gradients that Run would use, before clipping; of all else only the
  // generator moves on. With `local` these are the terms of this rank's rows alone, normalised by their own statistics,
  // for which other ranks are not asked.
  // Returns the terms of this rank's rows in the loss and its parts, not multiplied by their weights, each as a tensor
  // [].
  std::vector<Tensor> Gradients(const std::vector<Tensor>& inputs, Generator& generator, bool local = false);

  // The rows that this rank has of micro-batch `i` of a batch of `rows`.
  Span RowsOf(int64_t rows, int64_t i) const;

  // The number of kernels, fills and copies of a captured step; 0 before the capture.
  int64_t captured_size() const { return graph_.size(); }

 private:
  std::vector<Tensor> Update(const std::vector<Tensor>& inputs, Generator& generator);
  std::vector<Tensor> AddGradients(const std::vector<Tensor>& inputs, Generator& generator, bool local);
  void AddNumbers(const std::vector<LossPart>& parts, const Variable& loss, std::vector<Tensor>& numbers);
  // The loss and its parts, and the requests, of all ranks: f64 [ranks, numbers].
  Tensor GatherNumbers(const std::vector<Tensor>& numbers, const std::vector<double>& requests);

  optim::Optimizer& optimizer_;
  const Forward forward_;
  const TrainingStepOptions options_;
  std::vector<std::string> parts_;  // names of the parts
  StepGraph graph_;
  std::unique_ptr<GradientReducer> reducer_;  // null: there are no other ranks
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_TRAINING_TRAINING_STEP_H_
