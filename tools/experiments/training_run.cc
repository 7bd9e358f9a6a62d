#include "tools/experiments/training_run.h"

#include <cstdint>
#include <filesystem>
#include <optional>

#include "engine/io/checkpoint.h"
#include "kernels/parallel.h"
#include "tools/report/progress.h"

namespace orbit {
namespace {

std::optional<RunDirectory> OpenToResume(const std::string& resume) {
  if (resume.empty()) return std::nullopt;
  return RunDirectory::Open(resume);
}

Config Resolve(SettingsSources sources, const std::optional<RunDirectory>& resumed) {
  if (resumed) {
    sources.preset.clear();
    sources.file = resumed->config();
  }
  return ResolveSettings(sources);
}

std::unique_ptr<Experiment> MakeWithProgress(Config& config, Device device) {
  Progress progress("data", 1000);
  return MakeExperiment(config, device, [&](double share) { progress.Update(static_cast<int64_t>(share * 1000)); });
}

}  // namespace

TrainingRun::TrainingRun(const SettingsSources& sources, const std::string& resume, Device device)
    : directory_(OpenToResume(resume)),
      config_(Resolve(sources, directory_)),
      experiment_(MakeWithProgress(config_, device)),
      trainer_(config_, *experiment_,
               directory_ ? *directory_
                          : directory_.emplace(RunDirectory::Create(
                                config_.String("run.directory"),
                                sources.preset.empty() ? config_.String("task") : sources.preset))) {
  const bool restores = !resume.empty() && std::filesystem::exists(directory_->last());
  if (restores) trainer_.Restore(io::LoadCheckpoint(directory_->last()));
  const std::string loaded = restores ? "" : experiment_->LoadPretrained();
  directory_->WriteConfig(config_.ToYaml());  // once it is known to be in order
  directory_->StartAt(trainer_.step());
  directory_->log().info("{} {}: {} parameters, steps {} to {}, on {}, {} threads", resume.empty() ? "run" : "resuming",
                         directory_->path().string(), experiment_->model().NumParameters(), trainer_.step(),
                         trainer_.total_steps(), DescribeDevice(device), kernels::NumThreads());
  directory_->log().info("{}", experiment_->Describe());
  if (!loaded.empty()) directory_->log().info("{}", loaded);
}

void TrainingRun::LoadBest() { experiment_->model().LoadStateDict(io::LoadCheckpoint(directory_->chosen()).model); }

}  // namespace orbit
