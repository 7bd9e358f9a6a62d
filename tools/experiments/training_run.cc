#include "tools/experiments/training_run.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include "engine/distributed/share.h"
#include "engine/io/atomic_file.h"
#include "engine/io/checkpoint.h"
#include "engine/io/checkpoint_shards.h"
#include "engine/io/contents.h"
#include "engine/optim/sharded.h"
#include "kernels/parallel.h"
#include "tools/experiments/agreement.h"
#include "tools/experiments/data_digest.h"
#include "tools/experiments/evaluation.h"
#include "tools/report/progress.h"

namespace orbit {
namespace {

constexpr char kDataNote[] = "data";  // of checkpoints: the digest of the data

std::optional<RunDirectory> OpenToResume(const std::string& resume, const Communicator& ranks) {
  if (resume.empty() || ranks.rank() > 0) return std::nullopt;
  return RunDirectory::Open(resume);
}

Config Resolve(SettingsSources sources, const std::string& resume, const std::optional<RunDirectory>& resumed,
               Communicator& ranks, Device device) {
  if (resume.empty()) return ResolveSettings(sources);
  sources.preset.clear();
  sources.file = resume + "/config.yaml";
  sources.yaml = ShareText(resumed ? io::ReadContents(resumed->config()) : "", 0, ranks, device);
  Config config = ResolveSettings(sources);
  sources.assignments.clear();
  const std::vector<SettingChange> changes = ChangedSettings(
      ResolveSettings(sources), config,
      [](const std::string& key) { return key == "seed" || key == "model.weights" || key.starts_with("data."); });
  Check(changes.empty(), resume, " holds a run with another ", DescribeChanges(changes),
        "; a run that is resumed keeps its data and its seed, so that no example of the test was trained on, and its "
        "weights");
  return config;
}

// The settings that a run keeps as asked: `config`, of a new run; those of before with the assignments, of another.
std::string Asked(const SettingsSources& sources, const std::optional<RunDirectory>& resumed, const Config& config,
                  bool is_new) {
  if (is_new) return config.ToYaml();
  if (!resumed || !std::filesystem::exists(resumed->asked())) return "";
  return ResolveSettings({.file = resumed->asked(), .assignments = sources.assignments}).ToYaml();
}

// Throws Error where the data are not those that the checkpoint was trained on. One of before digests were kept passes.
void CheckDataOf(const io::Checkpoint& checkpoint, const DataDigest& data, const std::string& resume) {
  const auto kept = checkpoint.notes.find(kDataNote);
  if (kept == checkpoint.notes.end()) return;
  const std::string difference = data.DifferenceFrom(DataDigest::Parse(kept->second));
  Check(difference.empty(), "the data are not what the run in ", resume, " was trained on: ", difference,
        "; a run is resumed with its own data, and a new one is trained on others");
}

// Ranks may read or make data for as long as it takes.
std::unique_ptr<Experiment> MakeWithProgress(Config& config, Device device, Communicator& ranks) {
  std::unique_ptr<Experiment> experiment;
  ranks.SetContext("reading data");
  AwaitAll(ranks, device, [&] {
    std::optional<Progress> progress;
    if (ranks.rank() == 0) progress.emplace("data", 1000);
    experiment = MakeExperiment(config, device, [&](double share) {
      if (progress) progress->Update(static_cast<int64_t>(share * 1000));
    });
  });
  return experiment;
}

RunDirectory* Directory(std::optional<RunDirectory>& directory, const SettingsSources& sources, const Config& config,
                        const Communicator& ranks) {
  if (ranks.rank() > 0) return nullptr;
  if (!directory)
    directory.emplace(RunDirectory::Create(config.String("run.directory"),
                                           sources.preset.empty() ? config.String("task") : sources.preset));
  return &*directory;
}

}  // namespace

TrainingRun::TrainingRun(const SettingsSources& sources, const std::string& resume, Device device,
                         std::shared_ptr<Communicator> ranks)
    : ranks_(std::move(ranks)),
      device_(device),
      directory_(OpenToResume(resume, *ranks_)),
      config_(Resolve(sources, resume, directory_, *ranks_, device)),
      asked_(Asked(sources, directory_, config_, resume.empty())),
      experiment_(MakeWithProgress(config_, device, *ranks_)),
      trainer_(config_, *experiment_, Directory(directory_, sources, config_, *ranks_), *ranks_) {
  CheckSettingsAgree(config_, *ranks_, device_);
  ranks_->SetContext("comparing data");
  const DataDigest data = CheckDataAgree(*experiment_, *ranks_);
  trainer_.Keep(kDataNote, data.ToText());
  const bool has_checkpoint = !resume.empty() && leads() && std::filesystem::exists(directory_->last());
  std::string loaded;
  if (const auto checkpoint = ShareCheckpoint(has_checkpoint ? directory_->last() : "", true)) {
    CheckDataOf(*checkpoint, data, resume);
    trainer_.Restore(*checkpoint);
  } else {
    AwaitAll(*ranks_, device, [&] { loaded = experiment_->LoadPretrained(); });
  }
  ShareState(experiment_->model(), *ranks_);
  if (!leads()) return;
  directory_->WriteConfig(config_.ToYaml(), asked_);  // once it is known to be in order
  directory_->StartAt(trainer_.step());
  directory_->log().info("{} {}: {} parameters, steps {} to {}, on {}, {} threads", resume.empty() ? "run" : "resuming",
                         directory_->path().string(), experiment_->model().NumParameters(), trainer_.step(),
                         trainer_.total_steps(), DescribeDevice(device), kernels::NumThreads());
  if (ranks_->world() > 1) directory_->log().info("{}", ranks_->Describe());
  directory_->log().info("{}", experiment_->Describe());
  if (const std::string left_out = experiment_->DescribeLeftOut(); !left_out.empty())
    io::WriteFileAtomically(directory_->path() / "left_out.csv", left_out);
  if (!loaded.empty()) directory_->log().info("{}", loaded);
}

void TrainingRun::LoadBest() {
  experiment_->model().LoadStateDict(ShareCheckpoint(leads() ? directory_->chosen() : "", false).value().model);
}

std::optional<io::Checkpoint> TrainingRun::ShareCheckpoint(std::string path, bool with_optimizer) const {
  path = ShareText(path, 0, *ranks_, device_);
  if (path.empty()) return std::nullopt;
  io::FileReader read;
  if (ranks_->world() > 1)
    read = [this](const std::string& file) {
      ranks_->SetContext("sharing " + file);
      std::string contents;
      AwaitAll(*ranks_, device_, [&] {
        if (leads()) contents = io::ReadContents(file);
      });
      return ShareText(std::move(contents), 0, *ranks_, device_);
    };
  io::Checkpoint checkpoint = io::LoadCheckpoint(path, read);
  if (checkpoint.shards && with_optimizer)
    checkpoint.optimizer = optim::JoinShards(io::LoadShards(path, *checkpoint.shards, read), checkpoint.model);
  return checkpoint;
}

std::optional<Metrics> TrainingRun::Test(const Request& stop) {
  LoadBest();
  experiment_->model().Eval();
  Generator generator = MakeGenerator(config_.Int("seed"), RandomUse::kTest);
  std::optional<Progress> progress;
  if (leads()) progress.emplace("test", 1000);
  ranks_->SetContext("test");
  const std::optional<Evaluation> evaluation = EvaluateUntil(
      stop, *experiment_, Split::kTest, config_.Int("evaluation.test_samples"), generator,
      [&](double share) {
        if (progress) progress->Update(static_cast<int64_t>(share * 1000));
      },
      trainer_.division());
  progress.reset();
  if (!evaluation) return std::nullopt;
  CheckFinite(*evaluation, Split::kTest);
  Metrics metrics;
  for (const auto& [name, value] : evaluation->metrics) metrics.emplace_back("test/" + name, value);
  if (leads()) directory_->Log(trainer_.step(), metrics);
  return evaluation->metrics;
}

}  // namespace orbit
