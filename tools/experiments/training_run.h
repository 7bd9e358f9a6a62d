// TrainingRun: an experiment in training, in a directory of its own, begun or gone on with, by one process or by ranks.
#ifndef ORBIT_TOOLS_EXPERIMENTS_TRAINING_RUN_H_
#define ORBIT_TOOLS_EXPERIMENTS_TRAINING_RUN_H_

#include <memory>
#include <optional>
#include <string>

#include "engine/distributed/communicator.h"
#include "tools/experiments/experiment.h"
#include "tools/experiments/settings.h"
#include "tools/experiments/trainer.h"
#include "tools/report/run_directory.h"

namespace orbit {

class TrainingRun {
 public:
  // `resume`: the directory of a run, whose settings come before the assignments of `sources`, to be gone on with from
  // its last checkpoint, if it has one. Its seed, its data and the weights that it began with stay, wherever the data
  // are now: other ones are an Error. Empty: a new run, in run.directory. Writes nothing before all is known to be in
  // order. Throws Error for what is not. All ranks of a job make one at the same time, with the same arguments; rank 0
  // alone needs the directory.
  TrainingRun(const SettingsSources& sources, const std::string& resume, Device device,
              std::shared_ptr<Communicator> ranks = MakeSingleProcess());

  const Config& config() const { return config_; }
  const Experiment& experiment() const { return *experiment_; }
  // Whether this is rank 0, which has the directory, writes it and speaks.
  bool leads() const { return directory_.has_value(); }
  RunDirectory& directory() { return *directory_; }
  Trainer& trainer() { return trainer_; }

  // Loads the weights of the best checkpoint, or of the last one where nothing was validated.
  void LoadBest();

  // The test metrics of those weights, the reported one first, which are logged as test/NAME; none, on all ranks, where
  // `stop` asks any of them to stop before that. Throws Error where one is not finite.
  std::optional<Metrics> Test(const Request& stop);

 private:
  // The checkpoint at the path that rank 0 gives, on all ranks; none if that is empty. Without the optimiser's state if
  // that is in files of its own and is not asked for.
  std::optional<io::Checkpoint> ShareCheckpoint(std::string path, bool with_optimizer) const;

  std::shared_ptr<Communicator> ranks_;
  Device device_;
  std::optional<RunDirectory> directory_;  // one that is there is opened first, so that nobody else writes it
  Config config_;
  std::string asked_;  // the settings before the data add theirs, as YAML; none for a run that did not keep them
  std::unique_ptr<Experiment> experiment_;
  Trainer trainer_;
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_TRAINING_RUN_H_
