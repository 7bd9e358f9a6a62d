// Evaluates a trained model: a run, or weights named as in the published checkpoints. See --help.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "data/io/npy.h"
#include "data/io/weights.h"
#include "engine/distributed/share.h"
#include "engine/io/atomic_file.h"
#include "tools/common/device_options.h"
#include "tools/common/distributed_options.h"
#include "tools/common/path.h"
#include "tools/common/program.h"
#include "tools/experiments/agreement.h"
#include "tools/experiments/evaluation.h"
#include "tools/experiments/settings.h"
#include "tools/metrics/metric_text.h"
#include "tools/report/progress.h"
#include "tools/report/run_directory.h"

namespace orbit {
namespace {

struct Arguments {
  std::string run;
  std::string weights;
  SettingsSources settings;
  std::string data;
  std::string split = "test";
  int64_t samples = 0;
  int64_t trials = 1;
  std::string exported;
  DeviceOptions device;
  DistributedOptions distributed;
};

// Writes predictions in the form that the file's name asks for.
void Export(const Experiment& experiment, Split split, const Evaluation& evaluation, const std::string& file) {
  const std::filesystem::path path = UserPath(file);
  if (path.extension() == ".csv")
    io::WriteFileAtomically(path, experiment.PredictionTable(split, evaluation.predictions));
  else
    WriteNpy(path, evaluation.predictions);
}

void CheckCanExport(const Experiment& experiment, const std::filesystem::path& path) {
  Check(path.extension() == ".npy" || experiment.has_prediction_table(), "--export ", path.string(),
        ": predictions of this task are written as .npy: nothing identifies its examples in a table");
  const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
  Check(std::filesystem::is_directory(folder), "--export ", path.string(), ": there is no folder ", folder.string());
}

int Run(Arguments arguments) {
  if (const std::filesystem::path path = arguments.exported; !path.empty())
    Check(path.extension() == ".npy" || path.extension() == ".csv", "--export ", path.string(),
          ": predictions are written as .npy or .csv");
  Check(arguments.run.empty() != arguments.weights.empty(), "give either a run or --weights");
  std::string path;
  if (arguments.run.empty()) {
    path = UserPath(arguments.weights);
  } else {
    Check(arguments.settings.preset.empty() && arguments.settings.file.empty(), "a run brings its own settings");
    const RunFiles files = RunFiles::Find(arguments.run);
    arguments.settings.file = files.config();
    path = files.chosen();
  }
  const CommunicatorOptions of_ranks = FindCommunicatorOptions(arguments.distributed);
  const Device device = ApplyDeviceOptions(arguments.device, of_ranks.ranks.local_rank);
  const std::shared_ptr<Communicator> ranks = MakeCommunicator(of_ranks, device);
  const bool leads = ranks->rank() == 0;
  const Split split = ParseSplit(arguments.split);
  Config config = ResolveSettings(arguments.settings);
  std::unique_ptr<Experiment> experiment;
  AwaitAll(*ranks, device, [&] {
    experiment = MakeExperiment(config, device, {}, arguments.data);
    if (leads && !arguments.exported.empty()) CheckCanExport(*experiment, UserPath(arguments.exported));
    experiment->model().LoadStateDict(ReadWeights(path, experiment->model().StateDict()));
  });
  CheckSettingsAgree(config, *ranks, device);
  CheckDataAgree(*experiment, *ranks);
  ShareState(experiment->model(), *ranks);
  experiment->model().Eval();
  if (leads) std::printf("%s\n", path.c_str());
  if (leads && !arguments.data.empty()) std::printf("%s\n", experiment->Describe().c_str());

  const int64_t samples = arguments.samples > 0 ? arguments.samples : config.Int("evaluation.test_samples");
  const std::string metric = experiment->metric();
  Generator generator = MakeGenerator(config.Int("seed"), RandomUse::kTest);
  std::vector<double> values;
  std::optional<Progress> progress;
  if (leads) progress.emplace("evaluating", 1000 * arguments.trials);
  const Division division{.ranks = ranks.get(), .by_samples = config.String("train.shard") == "samples"};
  for (int64_t trial = 0; trial < arguments.trials; ++trial) {
    const auto show = [&](double share) {
      if (progress) progress->Update(1000 * trial + static_cast<int64_t>(1000 * share));
    };
    const Evaluation evaluation = Evaluate(*experiment, split, samples, generator, show, division);
    CheckFinite(evaluation, split);
    if (evaluation.is_known) values.push_back(evaluation.metric);
    if (leads && trial == 0 && !arguments.exported.empty()) Export(*experiment, split, evaluation, arguments.exported);
  }
  progress.reset();
  double mean = 0, variance = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) variance += (value - mean) * (value - mean);
  const EquivarianceError error = MeasureEquivariance(*experiment, split, samples, generator);
  Check(std::isfinite(error.exact) && std::isfinite(error.statistical),
        "the model's outputs under transformed inputs are not finite");
  if (!leads) return 0;
  for (size_t trial = 0; trial < values.size(); ++trial)
    std::printf("trial %zu of %zu, %ld samples: %s\n", trial + 1, values.size(), samples,
                MetricText(metric, values[trial]).c_str());
  if (values.size() > 1 && !std::isnan(mean))
    std::printf("standard deviation over %zu trials: %.3g\n", values.size(),
                std::sqrt(variance / static_cast<double>(values.size() - 1)));
  std::printf("equivariance error, relative: %.3g with noise transformed along, %.3g with noise drawn anew\n",
              error.exact, error.statistical);
  if (!arguments.exported.empty()) std::printf("%s\n", experiment->DescribePredictions().c_str());
  if (!values.empty()) std::printf("%s %s\n", NameOf(split).c_str(), MetricText(metric, mean).c_str());
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
  app.add_option("--data", arguments.data,
                 "new data in the form of data.path, for particles (a folder with files of the split test), graphs and "
                 "molecules; what is to be predicted may be missing");
  app.add_option("--split", arguments.split, "train, valid or test")->capture_default_str();
  app.add_option("--samples", arguments.samples, "group elements an example (default: evaluation.test_samples)")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000}));
  app.add_option("--trials", arguments.trials, "evaluations, each with noise of its own")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{1}, int64_t{100000}));
  app.add_option(
      "--export", arguments.exported,
      "write the first trial's predictions to this .npy file, an example a row; to a .csv file for molecules, "
      "with their lines and SMILES");
  AddPrecisionOption(app, arguments.settings.assignments);
  AddDeviceOptions(app, arguments.device);
  AddDistributedOptions(app, arguments.distributed);
  CLI11_PARSE(app, argc, argv);
  return Run(arguments);
}

const Program program("evaluate", Main);

}  // namespace
}  // namespace orbit
