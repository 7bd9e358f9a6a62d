// Experiment: what is trained. It has a data set, which it gives out by numbers, a model, a loss and a metric;
// training, evaluation and measuring how equivariant it is know nothing more (trainer.h, evaluation.h).
#ifndef ORBIT_TOOLS_EXPERIMENTS_EXPERIMENT_H_
#define ORBIT_TOOLS_EXPERIMENTS_EXPERIMENT_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "data/share_done.h"
#include "data/split.h"
#include "engine/distributed/communicator.h"
#include "engine/training/loss.h"
#include "groups/model.h"
#include "tools/experiments/config.h"
#include "tools/report/metrics.h"

namespace orbit {

// Some examples of a split.
struct Batch {
  Features x;
  Tensor target;                 // [count, ...]: what the loss compares predictions with; undefined where not known
  std::vector<int64_t> numbers;  // of the examples in their split; empty where `examples` were on a device

  Batch To(Device device) const;
  // With what `copy` makes of every tensor.
  Batch Copied(const std::function<Tensor(const Tensor&)>& copy) const;
};

// The whole that some examples are part of, a batch of training or of evaluation: what a loss's denominators and
// weights are taken from.
struct WholeBatch {
  int64_t examples = 0;
  std::vector<double> counts;  // Experiment::Counts of them
};

class Experiment {
 public:
  // The model is moved to the device, and computes in the precision train.precision.
  Experiment(std::unique_ptr<Model> model, const Config& config, Device device);
  virtual ~Experiment() = default;

  // The keys that all experiments have: train.precision, evaluation.precision, train.entropy_weight.
  static void AddKeys(ConfigSchema& schema);

  Model& model() const { return *model_; }
  Device device() const { return device_; }

  // What was found, for people: "trajectories of 5 particles in 3 dimensions: 3000 to train, ...".
  virtual std::string Describe() const = 0;
  // What Prediction gives, for people: "predictions: [examples, 3], values".
  virtual std::string DescribePredictions() const = 0;
  // What of the data cannot be used: CSV of a line of names and one for each example, with its place and the reason.
  // "" where all of it can.
  virtual std::string DescribeLeftOut() const { return ""; }
  virtual int64_t size(Split split) const = 0;  // examples
  // Those of `examples`, i64 [count], the numbers of the examples of a split; on the host, or on the model's device.
  // Called by a worker, beside training, where steps are not static.
  virtual Batch Load(Split split, const Tensor& examples) const = 0;
  // What the loss's denominators and weights depend on beside the number of examples, such as how many of their targets
  // are known or of each class: sums over these examples. Called where Load is, for all examples of a batch.
  virtual std::vector<double> Counts(Split, const Tensor& /*examples*/) const { return {}; }
  // Whether Load takes `examples` on the model's device too, and it and the model do the same operations on the same
  // shapes for as many examples, without asking the host, so that steps can be captured (engine/step_graph.h).
  virtual bool has_static_steps() const { return false; }

  // What of the model's output is compared with a target, and exported: [count, ...].
  virtual Variable Prediction(const Variable& output) const = 0;
  // Parts of the loss, summed over examples that are part of `whole`.
  virtual std::vector<LossPart> Loss(const Variable& prediction, const Tensor& target,
                                     const WholeBatch& whole) const = 0;
  // In evaluation the loss is the mean of those of batches of so many examples, in their order; each batch is the whole
  // of its examples. By default a split is one batch.
  virtual int64_t evaluation_batch() const { return std::numeric_limits<int64_t>::max(); }
  // The name of what is reported ("mse"), and whether more of it is better.
  virtual std::string metric() const = 0;
  virtual bool more_is_better() const = 0;
  // The metrics of all predictions of a split, in the order of its examples: metric() first, then others if there are.
  virtual Metrics Measure(const Tensor& predictions, const Tensor& targets) const = 0;

  // Loads the weights that a new run begins with, where there are any, and returns what was loaded, for people; a run
  // that is resumed, and evaluation, do without.
  virtual std::string LoadPretrained() { return ""; }
  // A parameter's factor on train.learning_rate, by its name.
  virtual double RateFactor(const std::string& /*parameter*/) const { return 1; }

  // Whether examples have what identifies them in a table.
  virtual bool has_prediction_table() const { return false; }
  // The predictions of a split as CSV, each with what identifies its example. Throws Error where there is no table.
  virtual std::string PredictionTable(Split split, const Tensor& predictions) const;

  // For `samples` group elements an example, or the one of models that are not sampled.
  virtual Noise DrawNoise(const Batch& batch, int64_t samples, Generator& generator) const {
    return model_->DrawNoise(batch.x, model_->is_sampled() ? samples : 1, generator);
  }
  // Examples times samples that go through the model at once in evaluation; results do not depend on it.
  virtual int64_t rows_at_once() const = 0;

  // The model's result, with `samples` group elements an example, or the one of models that are not sampled. With
  // `sharers`, every rank draws some of the samples of all examples; mean and entropy are those of all samples, on
  // every rank, and their gradients are parts that add up over the ranks. The generator must have rows; there must be a
  // sample for every rank.
  Model::Result Forward(const Batch& batch, int64_t samples, Generator& generator,
                        Communicator* sharers = nullptr) const;
  // The parts of the training loss, that of the entropy included, of examples that are part of `whole`.
  std::vector<LossPart> TrainingLoss(const Batch& batch, const WholeBatch& whole, int64_t samples, Generator& generator,
                                     Communicator* sharers = nullptr) const;
  // The model's precision in evaluation.
  Precision evaluation_precision() const { return evaluation_precision_; }

 private:
  std::unique_ptr<Model> model_;
  Device device_;
  double entropy_weight_;
  Precision evaluation_precision_;
};

// What an experiment is made with.
struct ExperimentInputs {
  Config& config;  // what it finds in the data and its model depends on is written back
  Device device;
  Generator& generator;  // initialises the parameters
  ShareDone progress;    // of reading or making the data
  std::string new_data;  // not empty: a folder to take the place of the test split, whose targets may be missing
};

// A kind of experiment: its name in the key `task`, the keys it adds, and how it is made.
struct ExperimentKind {
  std::string name;
  std::string help;
  void (*add_keys)(ConfigSchema& schema);
  std::unique_ptr<Experiment> (*make)(const ExperimentInputs& inputs);
};

const std::vector<ExperimentKind>& ExperimentKinds();
const ExperimentKind& FindExperimentKind(const std::string& name);  // throws Error, with the nearest name

// The streams of random numbers of a run, by use.
enum class RandomUse : uint64_t { kInitialisation, kTraining, kShuffling, kValidation, kTest };
Generator MakeGenerator(int64_t seed, RandomUse use);

// That of the config, its parameters initialised by the seed.
std::unique_ptr<Experiment> MakeExperiment(Config& config, Device device, const ShareDone& progress = {},
                                           const std::string& new_data = "");

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_EXPERIMENT_H_
