// What memory a training step takes, and for what: measured on few examples, extended to a batch.
#ifndef ORBIT_TOOLS_EXPERIMENTS_MEMORY_ACCOUNT_H_
#define ORBIT_TOOLS_EXPERIMENTS_MEMORY_ACCOUNT_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include "tools/experiments/config.h"
#include "tools/experiments/experiment.h"

namespace orbit {

// Bytes of the device's tensors.
struct MemoryAccount {
  int64_t examples = 0;      // of a micro-batch
  int64_t parts = 1;         // micro-batches
  int64_t parameters = 0;    // and running statistics
  int64_t gradients = 0;     // as many as there are parameters
  int64_t optimizer = 0;     // the optimiser's state
  int64_t of_a_step = 0;     // what a step takes at most beside these, whatever the number of examples
  double of_an_example = 0;  // and for every example of a micro-batch: input, activations, workspace

  // The most at once, in the middle of a step.
  int64_t activations() const {
    return of_a_step + static_cast<int64_t>(of_an_example * static_cast<double>(examples));
  }
  // The gradients of a single micro-batch come as its activations go; those of several are there all the time.
  int64_t peak() const {
    return parameters + optimizer + (parts > 1 ? gradients + activations() : std::max(gradients, activations()));
  }
};

// Takes steps of few examples, with the config's precision and samples, and extends their peak to a micro-batch of
// train.batch / train.accumulate examples. That is right as far as examples are of about the same size.
MemoryAccount MeasureMemory(const Config& config, Experiment& experiment);

// The peak of a step of `examples` examples in each of `parts` micro-batches, once steps are warm, in bytes beyond what
// was in use before the optimiser and gradients came. The parameters stay as they are; running statistics do not.
int64_t MeasurePeak(const Config& config, Experiment& experiment, int64_t examples, int64_t parts);

// The account as a table, and the peaks with one of the keys train.precision, train.checkpoint and train.accumulate
// changed, as far as the task has them.
std::string DescribeMemory(const Config& config, Device device);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_MEMORY_ACCOUNT_H_
