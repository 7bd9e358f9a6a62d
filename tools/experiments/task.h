// Task: what the programs ask of an experiment. A task owns its model and its data; the trainer knows neither.
#ifndef ORBIT_TOOLS_EXPERIMENTS_TASK_H_
#define ORBIT_TOOLS_EXPERIMENTS_TASK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/share_done.h"
#include "data/split.h"
#include "engine/nn/module.h"
#include "engine/random.h"
#include "tools/experiments/config.h"

namespace orbit {

// What a model makes of a split of the data.
struct Evaluation {
  double loss = 0;     // the best checkpoint is the one with the smallest on the validation split
  double metric = 0;   // what is reported
  Tensor predictions;  // [examples, ...]
};

// Throws Error where the loss or the metric is not finite.
void CheckFinite(const Evaluation& evaluation, Split split);

// Relative errors |phi(h x) - h phi(x)| / |phi(x)| for random h, in the l2 norm over all examples.
struct EquivarianceError {
  double exact = 0;        // with the noise transformed along: rounding, and ties broken otherwise
  double statistical = 0;  // with noise drawn anew: falls with the number of samples
};

class Task {
 public:
  virtual ~Task() = default;

  virtual std::string metric() const = 0;  // its name: "mse"
  virtual nn::Module& model() = 0;
  virtual int64_t size(Split split) const = 0;  // examples

  // The loss to minimise, and its parts by name.
  struct Loss {
    Variable total;
    std::vector<std::pair<std::string, Variable>> parts;
  };
  // Of the training examples with these numbers, i64 [batch].
  virtual Loss TrainingLoss(const Tensor& examples, int64_t samples, Generator& generator) = 0;
  // Whether TrainingLoss, for as many examples, does the same operations on the same shapes each time and asks the host
  // for nothing, so that steps can be captured (engine/step_graph.h); it then takes `examples` on the model's device
  // too.
  virtual bool has_static_steps() const { return false; }

  // Of a whole split, with `samples` group elements an example. The model is in evaluation mode.
  virtual Evaluation Evaluate(Split split, int64_t samples, Generator& generator, const ShareDone& progress) = 0;
  virtual EquivarianceError MeasureEquivariance(Split split, int64_t samples, Generator& generator) = 0;
};

// A kind of task: its name in the key `task`, the keys it adds, and how it is made.
struct TaskKind {
  std::string name;
  std::string help;
  void (*add_keys)(ConfigSchema& schema);
  // Reads or makes the data, telling of it through `progress`; `generator` initialises the parameters.
  std::unique_ptr<Task> (*make)(const Config& config, Device device, Generator& generator, const ShareDone& progress);
};

const std::vector<TaskKind>& TaskKinds();
const TaskKind& FindTaskKind(const std::string& name);  // throws Error, with the nearest name

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_TASK_H_
