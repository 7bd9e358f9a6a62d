// Trainer: runs an experiment's training steps in a run directory, from the start or from where a run was left. What a
// step is made of is engine/training's; here are its schedule, batches, validation, logging and checkpoints.
//
// A step depends only on the config and the step's number: examples come from (seed, epoch), group elements and dropout
// from a generator that the checkpoint keeps. So a run that was stopped or killed, and then resumed, gives the same
// bits as one that was not.
//
// Several ranks train together: they divide the examples of every batch, or the group samples of every example
// (train.shard), and decide everything alike. Rank 0 alone writes, except that every rank writes its part of an
// optimiser's state that is divided (train.shard_optimizer).
#ifndef ORBIT_TOOLS_EXPERIMENTS_TRAINER_H_
#define ORBIT_TOOLS_EXPERIMENTS_TRAINER_H_

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/batches.h"
#include "data/prefetch.h"
#include "engine/distributed/communicator.h"
#include "engine/io/checkpoint_writer.h"
#include "engine/optim/optimizer.h"
#include "engine/optim/schedule.h"
#include "engine/training/training_step.h"
#include "engine/uploads.h"
#include "tools/experiments/config.h"
#include "tools/experiments/evaluation.h"
#include "tools/experiments/experiment.h"
#include "tools/report/run_directory.h"

namespace orbit {

class Trainer {
 public:
  // Adds the keys train.* and evaluation.*.
  static void AddKeys(ConfigSchema& schema);

  // All must outlive the trainer; `run` is null on ranks other than 0. Throws Error for settings that make no sense
  // together.
  Trainer(const Config& config, Experiment& experiment, RunDirectory* run, Communicator& ranks);

  // Has every checkpoint keep this in its notes.
  void Keep(const std::string& name, const std::string& note) { notes_[name] = note; }

  // Continues from a checkpoint of this run, of any number of ranks.
  void Restore(const io::Checkpoint& checkpoint);

  // Trains to the end, or until validation has not been better for train.patience times (returns true), or until
  // `stop` returns true (returns false), and saves in both cases; of several ranks, all stop after the same step. A
  // validation that is due or under way when a stop is asked for is left to the run that goes on from there.
  // `after_step` is called after every step, and what belongs to it, unless a stop is known by then. Throws Error first
  // where the optimiser's state is divided and this rank does not see the run's directory. If a loss or a gradient is
  // not finite, throws Error saying where it first appeared; the checkpoints are then of earlier steps. Where a
  // checkpoint cannot be written, that is logged and tried again, and is an Error only at the end.
  bool Run(const Request& stop, const std::function<void()>& after_step = {});

  // Lets a profiler that waits for it record only the steps `first` to `last`, counted from 1.
  void ProfileSteps(int64_t first, int64_t last) { profiled_ = {first, last}; }

  // Has steps captured, once they are warm, and launched as one: the same bits for less of the host's time. Throws
  // Error where the experiment's steps or the device do not allow it.
  void CaptureSteps();

  // The seconds that a step takes once it is warm, on average over at least `seconds`. Trains for it and logs nothing:
  // a run is for another trainer, from the start.
  double SecondsPerStep(double seconds);

  int64_t step() const { return step_; }
  int64_t total_steps() const { return total_steps_; }
  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  // How the work of evaluation is divided among the ranks.
  Division division() const;

 private:
  // A step that the device may still be working on: its numbers, and what is needed to repeat it.
  struct Pending {
    int64_t step;  // counted from 1
    double learning_rate;
    Generator generator;  // before it
    Tensor examples;
    PendingNumbers numbers;
  };

  // A micro-batch, on its way to the device, and the batch that it is part of.
  struct LoadedBatch {
    Batch batch;
    WholeBatch whole;
    std::shared_ptr<Mark> copied;  // null: it is where it is read
  };

  bool divides_optimizer() const;
  std::unique_ptr<optim::Optimizer> MakeOptimizerOfRanks() const;
  std::unique_ptr<TrainingStep> MakeTrainingStep(bool capture);
  // The batches of the steps to come, a micro-batch an item; none where steps are static.
  std::unique_ptr<Prefetch<LoadedBatch>> LoadAhead() const;
  void Step();
  // Takes the numbers of steps in their order, until at most `most` are pending.
  void Take(size_t most);
  [[noreturn]] void ExplainNonFinite(const std::string& what, const Pending& pending);
  // Where a number that is not finite came from, as the ranks find out together.
  std::string FindNonFinite(const Pending& pending);
  void Log(int64_t step);
  void LogCommunication() const;
  // Does the validation that is due, unless a stop is asked for: it is then still due. Returns whether the model is
  // better than in all validations before.
  bool Validate(const Request& stop);
  // Finds out where this rank writes. All ranks have to call it.
  void FindFiles();
  // Has the checkpoint at RunFiles::last() be replaced, and first the one at best() if the model is better.
  void Save(bool better);
  io::Checkpoint MakeCheckpoint() const;
  // Returns when `wait` has for the writers of all ranks: rank 0's is the last one, as it waits for the others' shards.
  void AwaitWriters(const std::function<void(io::CheckpointWriter&)>& wait);
  // Whether validation has not been better for train.patience times.
  bool is_out_of_patience() const;

  const Config& config_;
  Experiment& experiment_;
  RunDirectory* run_;  // of rank 0
  Communicator& ranks_;
  std::optional<RunFiles> files_;               // where to save: on rank 0, and on all where they divide the optimiser
  std::string job_;                             // what tells apart the shards of jobs that go on with one run
  std::optional<io::CheckpointWriter> writer_;  // on the ranks that save
  int64_t seed_, samples_, accumulate_, steps_per_epoch_, total_steps_;
  ShuffledBatches batches_;
  optim::Schedule schedule_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::unique_ptr<TrainingStep> training_step_;
  std::unique_ptr<Prefetch<LoadedBatch>> loaded_;
  Generator generator_;
  int64_t step_ = 0;
  std::deque<Pending> pending_;
  std::pair<int64_t, int64_t> profiled_ = {0, 0};
  std::optional<double> best_;          // of what is monitored in validation
  int64_t not_better_ = 0;              // validations since then
  std::map<std::string, double> sums_;  // of what is logged, since the last log
  int64_t summed_ = 0;
  std::map<std::string, std::string> notes_;     // of all checkpoints
  bool validation_due_ = false;                  // of the step that was the last
  std::chrono::steady_clock::time_point saved_;  // when the last checkpoint was
  bool stop_asked_ = false;                      // of this rank
  bool repeating_alone_ = false;                 // a step, of which other ranks do not know
  bool stopping_ = false, save_due_ = false;     // as all ranks know
};

// Adam, AdamW or SGD, by the keys train.*; only the first two take factors on the learning rate other than 1.
std::unique_ptr<optim::Optimizer> MakeOptimizer(const Config& config, std::vector<NamedVariable> parameters,
                                                const optim::RateFactor& rate_factor);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_TRAINER_H_
