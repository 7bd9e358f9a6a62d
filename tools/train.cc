// Trains a model, or resumes a run that was stopped. See --help.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <vector>

#include "tools/common/device_options.h"
#include "tools/common/distributed_options.h"
#include "tools/common/number.h"
#include "tools/common/program.h"
#include "tools/common/stop_signal.h"
#include "tools/experiments/memory_account.h"
#include "tools/experiments/pace.h"
#include "tools/experiments/presets.h"
#include "tools/experiments/training_run.h"
#include "tools/metrics/metric_text.h"

namespace orbit {
namespace {

constexpr char kDefaultPreset[] = "nbody";

struct Arguments {
  SettingsSources settings;
  std::string resume;
  std::vector<int64_t> profiled_steps;  // the first and the last step, or empty
  bool graph = false;
  bool dry_run = false;
  double minutes = 0;  // 0: as the settings say
  DeviceOptions device;
  DistributedOptions distributed;
};

// Parses "A:B" as two numbers.
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
  for (const ExperimentKind& kind : ExperimentKinds())
    text += "\nKeys of task " + kind.name + " (" + kind.help + "), for --set and files:\n\n" + DescribeKeys(kind.name);
  return text;
}

// Has train.steps be as many as fit into the minutes since `begin`, with the test, and returns how that was found.
std::string FitSteps(const Arguments& arguments, std::chrono::steady_clock::time_point begin, Device device,
                     SettingsSources& sources) {
  const auto since = [](std::chrono::steady_clock::time_point then) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
  };
  const auto made = std::chrono::steady_clock::now();
  Config config = ResolveSettings(sources);
  const std::unique_ptr<Experiment> experiment = MakeExperiment(config, device);
  const double seconds_to_make = since(made);  // the run makes its own
  const double seconds = 60 * arguments.minutes;
  const Pace pace = MeasurePace(config, *experiment, arguments.graph, seconds / 100);
  const int64_t steps = pace.StepsWithin(seconds - since(begin) - seconds_to_make);
  sources.assignments.insert(sources.assignments.end(), {"train.epochs=0", "train.steps=" + std::to_string(steps)});
  char text[200];
  std::snprintf(text, sizeof(text),
                "%lld steps of %.4g ms fit into %g minutes, with validations of %.3g s and a test of about %.3g s",
                static_cast<long long>(steps), 1000 * pace.step, arguments.minutes, pace.validation, pace.test);
  return text;
}

// Says how to go on with a run that was stopped, and returns the exit status: that of the signal, on all ranks,
// whichever of them it reached.
int Stopped(TrainingRun& run, Communicator& ranks, Device device, const std::string& where, const StopSignal& stop) {
  const Trainer& trainer = run.trainer();
  const Tensor signal = Tensor::Full({}, stop.requested() ? stop.signal() : 0, DType::kI64, device);
  ranks.AllReduce(signal, ReduceOp::kMax).Wait();
  const int status = 128 + static_cast<int>(signal.Item());
  if (run.leads()) {
    const std::string number = std::to_string(ranks.world());
    const std::string as_before =
        ranks.world() > 1 ? ", on " + number + " ranks as before (launch -n " + number + " -- ..., srun ...)" : "";
    run.directory().log().info("stopped {}after step {} of {}; go on with: {} --resume {}{}", where, trainer.step(),
                               trainer.total_steps(), ProgramCommand(), ShellWord(run.directory().path().string()),
                               as_before);
  }
  return status;
}

int Train(const Arguments& arguments) {
  const auto begin = std::chrono::steady_clock::now();
  const CommunicatorOptions ranks = FindCommunicatorOptions(arguments.distributed);
  const Device device = ApplyDeviceOptions(arguments.device, ranks.ranks.local_rank);
  SettingsSources sources = arguments.settings;
  Check(arguments.resume.empty() || (sources.preset.empty() && sources.file.empty()),
        "--resume takes its settings from the run; --set may change them");
  if (arguments.resume.empty() && sources.preset.empty() && sources.file.empty()) sources.preset = kDefaultPreset;
  if (arguments.dry_run) {
    Check(arguments.resume.empty(), "--dry-run is for a run that is to begin");
    std::printf("%s", DescribeMemory(ResolveSettings(sources), device).c_str());
    return 0;
  }
  std::string fitted;
  if (arguments.minutes > 0) {
    Check(ranks.ranks.world == 1, "--minutes is for one process: ranks would each find another number of steps");
    Check(arguments.resume.empty(), "--minutes is for a new run: --resume keeps the steps that were chosen");
    fitted = FitSteps(arguments, begin, device, sources);
  }
  Check(!arguments.graph || ranks.ranks.world == 1,
        "--graph is for one process: the sums of several ranks are not captured");
  const std::shared_ptr<Communicator> communicator = MakeCommunicator(ranks, device);
  TrainingRun run(sources, arguments.resume, device, communicator);
  const StopSignal stop;  // until here there was nothing to save, and a signal ended the program
  const auto asked_to_stop = [&] { return stop.requested(); };
  Trainer& trainer = run.trainer();
  if (!arguments.profiled_steps.empty()) trainer.ProfileSteps(arguments.profiled_steps[0], arguments.profiled_steps[1]);
  if (arguments.graph) trainer.CaptureSteps();
  if (!fitted.empty()) run.directory().log().info("{}", fitted);
  const bool finished = [&] {
    try {
      return trainer.Run(asked_to_stop);
    } catch (const std::exception&) {
      if (run.leads() && std::filesystem::exists(run.directory().last()))
        run.directory().log().error("failed after step {} of {}; {} is of before, and --resume {} goes on from there",
                                    trainer.step(), trainer.total_steps(), run.directory().last(),
                                    run.directory().path().string());
      throw;
    }
  }();
  if (!finished) return Stopped(run, *communicator, device, "", stop);
  const std::optional<Metrics> metrics = run.Test(asked_to_stop);
  if (!metrics) return Stopped(run, *communicator, device, "in the test, ", stop);
  if (!run.leads()) return 0;
  RunDirectory& directory = run.directory();
  directory.WriteFigure();
  directory.log().info("the run is in {}", directory.path().string());
  for (auto metric = metrics->rbegin(); metric != metrics->rend(); ++metric)  // the reported one last
    std::printf("test %s\n", MetricText(metric->first, metric->second).c_str());
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
               "on GPUs, for tasks whose steps have static shapes (nbody, particles): a step is captured into a CUDA "
               "graph and is one launch from then on, with the same results; not the default yet");
  app.add_option("--minutes", arguments.minutes,
                 "train for as many steps as fit into so many minutes with the test, found by a rehearsal of some "
                 "seconds; the run keeps their number as train.steps, and the schedule is that of so many steps")
      ->check(NumberAboveZero());
  app.add_flag("--dry-run", arguments.dry_run,
               "no training, and nothing written: say what memory a step takes and for what, found by steps of a few "
               "examples, and what train.precision, train.checkpoint and train.accumulate change");
  AddPrecisionOption(app, arguments.settings.assignments);
  AddDeviceOptions(app, arguments.device);
  AddDistributedOptions(app, arguments.distributed);
  app.footer(Footer);
  CLI11_PARSE(app, argc, argv);
  return Train(arguments);
}

const Program program("train", Main);

}  // namespace
}  // namespace orbit
