// Studies of the estimator phi, a mean over samples: the effect of the number of samples, and learned against uniform
// distributions. See --help.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/io/atomic_file.h"
#include "engine/io/writer_lock.h"
#include "tools/common/launch.h"
#include "tools/common/path.h"
#include "tools/common/program.h"
#include "tools/common/stop_signal.h"
#include "tools/experiments/evaluation.h"
#include "tools/experiments/settings.h"
#include "tools/experiments/training_run.h"
#include "tools/report/figure.h"
#include "tools/report/metrics.h"

namespace orbit {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::vector<std::string> assignments;
  std::string preset = "exp_classify_mlp_ps", against = "exp_classify_mlp_ga";
  std::vector<int64_t> training_samples = {1, 2, 5, 10, 20, 50}, test_samples = training_samples;
  int64_t samples = 10, trials = 10, every = 10;
  std::string output;
  LaunchOptions launch;
};

// The spread of phi(x) over trials with independent noise, averaged over the outputs of a split.
struct Estimate {
  double mean = 0, variance = 0;        // of phi(x)
  double loss = 0, loss_deviation = 0;  // over the trials
  double metric = 0, metric_deviation = 0;

  Metrics AsMetrics() const {
    return {{"output mean", mean},   {"output variance", variance},
            {"loss mean", loss},     {"loss deviation", loss_deviation},
            {"metric mean", metric}, {"metric deviation", metric_deviation}};
  }
};

double Deviation(const std::vector<double>& values, double mean) {
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return values.size() > 1 ? std::sqrt(sum / static_cast<double>(values.size() - 1)) : 0;
}

Estimate Measure(const Experiment& experiment, Split split, int64_t samples, int64_t trials, Generator generator) {
  const bool training = experiment.model().training();
  experiment.model().Eval();
  std::vector<double> sums, squares, losses, metrics;
  Estimate estimate;
  const auto count = static_cast<double>(trials);
  for (int64_t trial = 0; trial < trials; ++trial) {
    const Evaluation evaluation = Evaluate(experiment, split, samples, generator);
    const std::vector<double> values = evaluation.predictions.ToVector<double>();
    sums.resize(values.size());
    squares.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      sums[i] += values[i];
      squares[i] += values[i] * values[i];
    }
    CheckFinite(evaluation, split);
    losses.push_back(evaluation.loss);
    metrics.push_back(evaluation.metric);
    estimate.loss += evaluation.loss / count;
    estimate.metric += evaluation.metric / count;
  }
  experiment.model().Train(training);
  const auto outputs = static_cast<double>(sums.size());
  for (size_t i = 0; i < sums.size(); ++i) {
    const double mean = sums[i] / count;
    estimate.mean += mean / outputs;
    if (trials > 1) estimate.variance += std::max(0.0, squares[i] - count * mean * mean) / (count - 1) / outputs;
  }
  estimate.loss_deviation = Deviation(losses, estimate.loss);
  estimate.metric_deviation = Deviation(metrics, estimate.metric);
  return estimate;
}

// A training run of a study in a directory of its own: begun, or gone on with. Throws Error if the run there has other
// settings, but for where the data are and what was found in them.
TrainingRun MakeRun(SettingsSources sources, const fs::path& directory, Device device) {
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

// Whether the run came to its end; `after_step` is called with every step's number.
bool Train(
    TrainingRun& run, const StopSignal& stop, const std::function<void(int64_t)>& after_step = [](int64_t) {}) {
  Trainer& trainer = run.trainer();
  const bool finished = trainer.step() >= trainer.total_steps() || trainer.Run([&] {
    after_step(trainer.step());
    return stop.requested();
  });
  if (!finished) run.directory().log().info("stopped; the same command goes on from here");
  return finished;
}

Generator TestGenerator(const TrainingRun& run) { return MakeGenerator(run.config().Int("seed"), RandomUse::kTest); }

fs::path MakeOutput(const std::string& path) {
  const fs::path output = UserPath(path);
  std::error_code error;
  fs::create_directories(output, error);
  Check(!error, "cannot make the directory ", output.string(), ": ", error.message());
  return output;
}

int StudySamples(const Arguments& arguments) {
  const StopSignal stop;
  const Device device = Launch(arguments.launch);
  const fs::path output = MakeOutput(arguments.output.empty() ? "runs/study-samples" : arguments.output);
  const io::WriterLock lock(output);
  std::vector<Series> accuracy, variance, loss;
  std::vector<std::string> lines;
  for (const int64_t samples : arguments.training_samples) {
    SettingsSources sources{.preset = arguments.preset, .file = "", .assignments = arguments.assignments};
    sources.assignments.push_back("train.samples=" + std::to_string(samples));
    TrainingRun run = MakeRun(sources, output / ("train-" + std::to_string(samples)), device);
    if (!Train(run, stop)) return 128 + stop.signal();
    run.LoadBest();
    const std::string name = std::to_string(samples) + " in training";
    for (auto* series : {&accuracy, &variance, &loss}) series->push_back({.name = name, .points = {}});
    for (const int64_t tested : arguments.test_samples) {
      const Estimate estimate = Measure(run.experiment(), Split::kTest, tested, arguments.trials, TestGenerator(run));
      accuracy.back().points.emplace_back(tested, estimate.metric);
      variance.back().points.emplace_back(tested, estimate.variance);
      loss.back().points.emplace_back(tested, estimate.loss);
      nlohmann::ordered_json json = {{"training samples", samples}, {"test samples", tested}};
      for (const auto& [key, value] : estimate.AsMetrics()) json[key] = value;
      lines.push_back(json.dump());
      std::printf("%ld samples in training, %ld in test: %s %.4g +- %.2g, loss %.4g, variance of the output %.3g\n",
                  samples, tested, run.experiment().metric().c_str(), estimate.metric, estimate.metric_deviation,
                  estimate.loss, estimate.variance);
    }
    const std::string metric = run.experiment().metric();
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    io::WriteFileAtomically((output / "samples.jsonl").string(), text);
    const auto draw = [&](const std::string& title, const std::string& label, bool log, const auto& series,
                          const char* file) {
      DrawFigureOrWarn({.title = title, .x_label = "samples in test", .y_label = label, .log_y = log, .series = series},
                       (output / file).string());
    };
    draw("Test " + metric + " by the number of samples", metric, false, accuracy, "metric.svg");
    draw("Test loss by the number of samples", "loss", false, loss, "loss.svg");
    draw("Variance of the estimator by the number of samples", "variance", true, variance, "variance.svg");
  }
  std::printf("the study is in %s\n", output.c_str());
  return 0;
}

int StudyEstimator(const Arguments& arguments) {
  const StopSignal stop;
  const Device device = Launch(arguments.launch);
  const fs::path output = MakeOutput(arguments.output.empty() ? "runs/study-estimator" : arguments.output);
  const io::WriterLock lock(output);
  std::vector<Series> variance, loss;
  for (const std::string& preset : {arguments.preset, arguments.against}) {
    TrainingRun run =
        MakeRun({.preset = preset, .file = "", .assignments = arguments.assignments}, output / preset, device);
    const int64_t first_step = run.trainer().step(), last_step = run.trainer().total_steps();
    const std::string file = (output / preset / "estimator.jsonl").string();
    const int64_t per_epoch = run.trainer().steps_per_epoch();
    {
      MetricsWriter writer(file, first_step);
      int64_t last = -1;
      for (const MetricsLine& line : ReadMetrics(file)) last = line.step;
      const auto measure = [&](int64_t step) {
        if (step <= last || (step % (per_epoch * arguments.every) != 0 && step != last_step)) return;
        const Estimate estimate =
            Measure(run.experiment(), Split::kValid, arguments.samples, arguments.trials, TestGenerator(run));
        writer.Write(step, estimate.AsMetrics());
      };
      measure(first_step);  // of the model as it was initialised
      if (!Train(run, stop, measure)) return 128 + stop.signal();
    }
    variance.push_back({.name = preset, .points = {}});
    loss.push_back({.name = preset, .points = {}});
    for (const auto& [step, metrics] : ReadMetrics(file)) {
      const double epoch = static_cast<double>(step) / static_cast<double>(per_epoch);
      for (const auto& [name, value] : metrics) {
        if (name == "output variance") variance.back().points.emplace_back(epoch, value);
        if (name == "loss mean") loss.back().points.emplace_back(epoch, value);
      }
    }
    std::printf("%s: variance of the output %.3g before training, %.3g after; loss %.4g and %.4g\n", preset.c_str(),
                variance.back().points.front().second, variance.back().points.back().second,
                loss.back().points.front().second, loss.back().points.back().second);
  }
  const std::string samples = std::to_string(arguments.samples) + " samples";
  DrawFigureOrWarn({.title = "Variance of the estimator, " + samples,
                    .x_label = "epoch",
                    .y_label = "variance",
                    .log_y = true,
                    .series = variance},
                   (output / "variance.svg").string());
  DrawFigureOrWarn({.title = "Mean validation loss of the estimator, " + samples,
                    .x_label = "epoch",
                    .y_label = "loss",
                    .log_y = false,
                    .series = loss},
                   (output / "loss.svg").string());
  std::printf("the study is in %s\n", output.c_str());
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Studies the estimator: the mean over sampled group elements. Runs that were stopped are gone on with.");
  app.require_subcommand(1);
  Arguments arguments;
  int status = 0;
  const auto add_common = [&](CLI::App* command) {
    command->add_option("--preset", arguments.preset, "what is trained")->capture_default_str();
    command->add_option("--set", arguments.assignments, "key=value, for any key of the preset; may be repeated")
        ->allow_extra_args(false);
    command->add_option("--trials", arguments.trials, "estimates, each with noise of its own")
        ->capture_default_str()
        ->check(CLI::Range(int64_t{2}, int64_t{100000}));
    command->add_option("--output", arguments.output,
                        "the directory of runs, numbers and figures (default: "
                        "runs/study-NAME)");
    AddPrecisionOption(*command, arguments.assignments);
    AddLaunchOptions(*command, arguments.launch);
  };
  CLI::App* samples = app.add_subcommand(
      "samples", "trains with several numbers of samples, and tests each with several: accuracy, loss, variance");
  add_common(samples);
  samples->add_option("--train-samples", arguments.training_samples, "numbers of samples in training")
      ->delimiter(',')
      ->check(CLI::Range(int64_t{1}, int64_t{100000}))
      ->capture_default_str();
  samples->add_option("--test-samples", arguments.test_samples, "numbers of samples in test")
      ->delimiter(',')
      ->check(CLI::Range(int64_t{1}, int64_t{100000}))
      ->capture_default_str();
  samples->callback([&] { status = StudySamples(arguments); });

  CLI::App* estimator = app.add_subcommand(
      "estimator", "mean and variance of the estimator over the epochs of two runs: learned against uniform");
  add_common(estimator);
  estimator->add_option("--against", arguments.against, "the preset to compare with")->capture_default_str();
  estimator->add_option("--samples", arguments.samples, "of an estimate")
      ->check(CLI::Range(int64_t{1}, int64_t{100000}))
      ->capture_default_str();
  estimator->add_option("--every", arguments.every, "epochs between two measurements")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000}))
      ->capture_default_str();
  estimator->callback([&] { status = StudyEstimator(arguments); });
  CLI11_PARSE(app, argc, argv);
  return status;
}

const Program program("study", Main);

}  // namespace
}  // namespace orbit
