// Evaluates a trained model: a run, or weights in the published naming. See --help.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "data/io/npy.h"
#include "data/io/weights.h"
#include "tools/common/launch.h"
#include "tools/common/path.h"
#include "tools/common/program.h"
#include "tools/experiments/settings.h"
#include "tools/experiments/task.h"
#include "tools/experiments/trainer.h"
#include "tools/report/progress.h"
#include "tools/report/run_directory.h"

namespace orbit {
namespace {

struct Arguments {
  std::string run;
  std::string weights;
  SettingsSources settings;
  std::string split = "test";
  int64_t samples = 0;
  int64_t trials = 1;
  std::string exported;
  LaunchOptions launch;
};

int Evaluate(Arguments arguments) {
  Check(arguments.run.empty() != arguments.weights.empty(), "give either a run or --weights");
  if (!arguments.run.empty()) {
    Check(arguments.settings.preset.empty() && arguments.settings.file.empty(), "a run brings its own settings");
    arguments.settings.file = RunFiles::Find(arguments.run).config();
  }
  const Device device = Launch(arguments.launch);
  const Split split = ParseSplit(arguments.split);
  const Config config = ResolveSettings(arguments.settings);
  const std::string path =
      arguments.run.empty() ? UserPath(arguments.weights).string() : RunFiles::Find(arguments.run).chosen();

  const int64_t seed = config.Int("seed");
  Generator initialisation = MakeGenerator(seed, RandomUse::kInitialisation);
  const std::unique_ptr<Task> task =
      FindTaskKind(config.String("task")).make(config, device, initialisation, [](double) {});
  task->model().LoadStateDict(ReadWeights(path, task->model().StateDict()));
  task->model().Eval();
  std::printf("%s\n", path.c_str());

  const int64_t samples = arguments.samples > 0 ? arguments.samples : config.Int("evaluation.test_samples");
  Generator generator = MakeGenerator(seed, RandomUse::kTest);
  std::vector<double> values;
  Progress progress("evaluating", 1000 * arguments.trials);
  for (int64_t trial = 0; trial < arguments.trials; ++trial) {
    const Evaluation evaluation = task->Evaluate(split, samples, generator, [&](double share) {
      progress.Update(1000 * trial + static_cast<int64_t>(1000 * share));
    });
    CheckFinite(evaluation, split);
    values.push_back(evaluation.metric);
    if (trial == 0 && !arguments.exported.empty()) WriteNpy(UserPath(arguments.exported), evaluation.predictions);
  }
  progress.Finish();
  double mean = 0, variance = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) variance += (value - mean) * (value - mean);
  for (size_t trial = 0; trial < values.size(); ++trial)
    std::printf("trial %zu of %zu, %ld samples: %s %.6g\n", trial + 1, values.size(), samples, task->metric().c_str(),
                values[trial]);
  if (values.size() > 1)
    std::printf("standard deviation over %zu trials: %.3g\n", values.size(),
                std::sqrt(variance / static_cast<double>(values.size() - 1)));
  const EquivarianceError error = task->MeasureEquivariance(split, samples, generator);
  Check(std::isfinite(error.exact) && std::isfinite(error.statistical),
        "the model's outputs under transformed inputs are not finite");
  std::printf("equivariance error, relative: %.3g with noise transformed along, %.3g with noise drawn anew\n",
              error.exact, error.statistical);
  std::printf("%s %s %.6g\n", NameOf(split).c_str(), task->metric().c_str(), mean);
  Check(std::isfinite(mean), "the ", NameOf(split), " ", task->metric(), " is not finite, as the weights of ", path,
        " give it");
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Evaluates a trained model on a split of its data, and how equivariant it is.");
  Arguments arguments;
  app.add_option("run", arguments.run, "a run directory; its best checkpoint counts");
  app.add_option(
      "--weights", arguments.weights,
      "instead of a run: a safetensors file, or one of torch.save (.pt, .ckpt ...), with names as in the published "
      "checkpoints; say --preset");
  app.add_option("--preset", arguments.settings.preset, "the settings that belong to --weights");
  app.add_option("--config", arguments.settings.file, "the same from a file");
  app.add_option("--set", arguments.settings.assignments, "key=value; may be repeated")->allow_extra_args(false);
  app.add_option("--split", arguments.split, "train, valid or test")->capture_default_str();
  app.add_option("--samples", arguments.samples, "group elements an example (default: evaluation.test_samples)")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000}));
  app.add_option("--trials", arguments.trials, "evaluations, each with noise of its own")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{1}, int64_t{100000}));
  app.add_option("--export", arguments.exported, "write the first trial's predictions to this .npy file");
  AddLaunchOptions(app, arguments.launch);
  CLI11_PARSE(app, argc, argv);
  return Evaluate(arguments);
}

const Program program("evaluate", Main);

}  // namespace
}  // namespace orbit
