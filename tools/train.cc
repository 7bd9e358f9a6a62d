// Trains a model, or goes on with a run that was stopped. See --help.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <sstream>
#include <vector>

#include "engine/io/checkpoint.h"
#include "kernels/parallel.h"
#include "tools/common/launch.h"
#include "tools/common/program.h"
#include "tools/common/stop_signal.h"
#include "tools/experiments/presets.h"
#include "tools/experiments/settings.h"
#include "tools/experiments/trainer.h"
#include "tools/report/progress.h"
#include "tools/report/run_directory.h"

namespace orbit {
namespace {

constexpr char kDefaultPreset[] = "nbody";

struct Arguments {
  SettingsSources settings;
  std::string resume;
  std::vector<int64_t> profiled_steps;  // the first and the last; or none
  bool graph = false;
  LaunchOptions launch;
};

// "A:B" as two numbers.
std::vector<int64_t> ParseSteps(const std::string& text) {
  std::istringstream from(text);
  int64_t first = 0, last = 0;
  char colon = 0;
  from >> first >> colon >> last;
  Check(from && from.peek() == EOF && colon == ':' && 1 <= first && first <= last,
        "--profile-steps takes two numbers of steps, the first and the last, as 10:15; got '", text, "'");
  return {first, last};
}

std::string Footer() {
  std::string text = "Presets:\n";
  for (const Preset& preset : Presets()) text += "  " + std::string(preset.name) + ": " + Description(preset) + "\n";
  for (const TaskKind& kind : TaskKinds())
    text += "\nKeys of task " + kind.name + " (" + kind.help + "), for --set and files:\n\n" + DescribeKeys(kind.name);
  return text;
}

// The test metric of the best checkpoint, or of the last where nothing was validated.
double Test(const Config& config, Task& task, RunDirectory& run, int64_t step) {
  task.model().LoadStateDict(io::LoadCheckpoint(run.chosen()).model);
  task.model().Eval();
  Generator generator = MakeGenerator(config.Int("seed"), RandomUse::kTest);
  Progress progress("test", 1000);
  const Evaluation evaluation =
      task.Evaluate(Split::kTest, config.Int("evaluation.test_samples"), generator,
                    [&](double share) { progress.Update(static_cast<int64_t>(share * 1000)); });
  progress.Finish();
  CheckFinite(evaluation, Split::kTest);
  run.Log(step, {{"test/" + task.metric(), evaluation.metric}});
  return evaluation.metric;
}

int Train(const Arguments& arguments) {
  const StopSignal stop;
  const Device device = Launch(arguments.launch);
  const bool resuming = !arguments.resume.empty();
  SettingsSources sources = arguments.settings;
  std::optional<RunDirectory> directory;
  if (resuming) {
    Check(sources.preset.empty() && sources.file.empty(),
          "--resume takes its settings from the run; --set may change them");
    directory = RunDirectory::Open(arguments.resume);
    sources.file = directory->config();
  } else if (sources.preset.empty() && sources.file.empty()) {
    sources.preset = kDefaultPreset;
  }
  const Config config = ResolveSettings(sources);

  Generator initialisation = MakeGenerator(config.Int("seed"), RandomUse::kInitialisation);
  Progress preparation("data", 1000);
  const std::unique_ptr<Task> task =
      FindTaskKind(config.String("task")).make(config, device, initialisation, [&](double share) {
        preparation.Update(static_cast<int64_t>(share * 1000));
      });
  preparation.Finish();

  if (!resuming)
    directory = RunDirectory::Create(config.String("run.directory"),
                                     sources.preset.empty() ? config.String("task") : sources.preset);
  RunDirectory& run = *directory;
  Trainer trainer(config, *task, run);
  if (resuming && std::filesystem::exists(run.last())) trainer.Restore(io::LoadCheckpoint(run.last()));
  run.WriteConfig(config.ToYaml());  // once it is known to be in order
  run.StartAt(trainer.step());
  run.log().info("{} {}: {} parameters, {} training examples, steps {} to {}, on {}, {} threads",
                 resuming ? "resuming" : "run", run.path().string(), task->model().NumParameters(),
                 task->size(Split::kTrain), trainer.step(), trainer.total_steps(), DescribeDevice(device),
                 kernels::NumThreads());
  if (!arguments.profiled_steps.empty()) trainer.ProfileSteps(arguments.profiled_steps[0], arguments.profiled_steps[1]);
  if (arguments.graph) trainer.CaptureSteps();
  const bool finished = [&] {
    try {
      return trainer.Run([&] { return stop.requested(); });
    } catch (const std::exception&) {
      if (std::filesystem::exists(run.last()))
        run.log().error("failed after step {} of {}; {} is of before, and --resume {} goes on from there",
                        trainer.step(), trainer.total_steps(), run.last(), run.path().string());
      throw;
    }
  }();
  if (!finished) {
    run.log().info("stopped after step {} of {}; go on with: bazel run //tools:train -- --resume {}", trainer.step(),
                   trainer.total_steps(), run.path().string());
    return 128 + stop.signal();
  }
  const double metric = Test(config, *task, run, trainer.step());
  run.WriteFigure();
  run.log().info("the run is in {}", run.path().string());
  std::printf("test %s %.6g\n", task->metric().c_str(), metric);
  Check(std::isfinite(metric), "the test ", task->metric(), " is not finite");
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Trains a symmetrized model. With no arguments: the n-body experiment, scaled down to two minutes.");
  Arguments arguments;
  app.add_option("--preset", arguments.settings.preset, "the experiment, one of those below");
  app.add_option("--config", arguments.settings.file, "a YAML file of settings; may say `extends: PRESET`");
  app.add_option("--set", arguments.settings.assignments, "key=value, for any key below; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--resume", arguments.resume, "the directory of a run to go on with");
  app.add_option_function<int64_t>(
      "--seed", [&](int64_t seed) { arguments.settings.assignments.push_back("seed=" + std::to_string(seed)); },
      "short for --set seed=N");
  app.add_option_function<std::string>(
      "--profile-steps", [&](const std::string& text) { arguments.profiled_steps = ParseSteps(text); },
      "A:B: a profiler that waits for it (nsys --capture-range=cudaProfilerApi) records steps A to B, counted from 1");
  app.add_flag("--graph", arguments.graph,
               "on GPUs, for tasks whose steps have static shapes (nbody): a step is captured into a CUDA graph and is "
               "one launch from then on, with the same results; not the default yet");
  AddLaunchOptions(app, arguments.launch);
  app.footer(Footer);
  CLI11_PARSE(app, argc, argv);
  return Train(arguments);
}

const Program program("train", Main);

}  // namespace
}  // namespace orbit
