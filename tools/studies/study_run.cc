#include "tools/studies/study_run.h"

#include "kernels/error.h"
#include "tools/common/path.h"

namespace orbit {

namespace fs = std::filesystem;

TrainingRun MakeStudyRun(SettingsSources sources, const fs::path& directory, Device device) {
  const bool resume = fs::exists(directory / "config.yaml");
  if (!resume) {
    sources.assignments.push_back("run.directory=" + directory.string());
  } else {
    const Config was = ResolveSettings({.preset = "", .file = (directory / "config.yaml").string(), .assignments = {}});
    const Config asked = ResolveSettings(sources);
    Check(was.String("task") == asked.String("task"), directory.string(), " holds a run of the task ",
          was.String("task"), ", not ", asked.String("task"), "; --output chooses another directory");
    for (const std::string& key : was.DifferingKeys(asked))
      Check(key.starts_with("data.") || key == "run.directory", directory.string(), " holds a run with another ", key,
            "; --output chooses another directory");
  }
  return TrainingRun(sources, resume ? directory.string() : "", device);
}

bool TrainUntil(TrainingRun& run, const StopSignal& stop, const std::function<void(int64_t)>& after_step) {
  Trainer& trainer = run.trainer();
  const bool finished = trainer.step() >= trainer.total_steps() || trainer.Run([&] {
    after_step(trainer.step());
    return stop.requested();
  });
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
