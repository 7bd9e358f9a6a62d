#include "tools/studies/study_run.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "kernels/error.h"
#include "tools/common/path.h"
#include "tools/common/setting_changes.h"

namespace orbit {

namespace fs = std::filesystem;

namespace {

// Settings of data that tasks find in their files where they have one of these values. The config.yaml of a run has
// what was found, and so do runs of before asked.yaml was kept.
constexpr std::array kFoundKeys = {"data.atoms",      "data.attributes", "data.bonds",     "data.classes",
                                   "data.dimensions", "data.deviations", "data.kinds",     "data.means",
                                   "data.nodes",      "data.outputs",    "data.particles", "data.task"};
constexpr std::array kAsFound = {"0", "-1", "[]", "auto"};

bool IsFound(const std::string& key, const std::string& value) {
  return std::ranges::find(kFoundKeys, key) != kFoundKeys.end() && std::ranges::find(kAsFound, value) != kAsFound.end();
}

}  // namespace

void CheckStudyRun(const SettingsSources& sources, const fs::path& directory) {
  const Config asked = ResolveSettings(sources);
  if (!fs::exists(directory / "config.yaml")) return;
  const bool keeps_asked = fs::exists(directory / "asked.yaml");
  const fs::path file = directory / (keeps_asked ? "asked.yaml" : "config.yaml");
  const Config was = ResolveSettings({.preset = "", .file = file.string(), .assignments = {}});
  std::vector<SettingChange> changes = ChangedSettings(was, asked, [](const std::string&) { return true; });
  std::erase_if(changes, [&](const SettingChange& change) {
    return !keeps_asked && IsFound(change.key, change.now.value_or(""));
  });
  Check(changes.empty(), directory.string(), " holds a run with another ", DescribeChanges(changes), kElsewhere);
}

TrainingRun MakeStudyRun(SettingsSources sources, const fs::path& directory, Device device) {
  CheckStudyRun(sources, directory);
  const bool resume = fs::exists(directory / "config.yaml");
  if (!resume) sources.assignments.push_back("run.directory=" + directory.string());
  // What is asked for is what the run has, but for places; it may have found what is asked for as 0 or auto.
  std::erase_if(sources.assignments, [&](const std::string& assignment) {
    return resume && !IsPlace(assignment.substr(0, assignment.find('=')));
  });
  return TrainingRun(sources, resume ? directory.string() : "", device);
}

bool TrainUntil(TrainingRun& run, const StopSignal& stop, const std::function<void(int64_t)>& after_step) {
  Trainer& trainer = run.trainer();
  const bool finished = trainer.Run([&] { return stop.requested(); }, [&] { after_step(trainer.step()); });
  if (!finished) run.directory().log().info("stopped; the same command goes on from here");
  return finished;
}

fs::path MakeStudyDirectory(const std::string& path) {
  const fs::path output = UserPath(path);
  std::error_code error;
  fs::create_directories(output, error);
  Check(!error, "cannot make the directory ", output.string(), ": ", error.message());
  return output;
}

}  // namespace orbit
