#include "tools/studies/estimator_study.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "engine/io/writer_lock.h"
#include "kernels/error.h"
#include "tools/common/device_options.h"
#include "tools/common/setting_changes.h"
#include "tools/common/stop_signal.h"
#include "tools/report/figure.h"
#include "tools/report/metrics.h"
#include "tools/studies/estimate.h"
#include "tools/studies/study_options.h"
#include "tools/studies/study_run.h"

namespace orbit {
namespace {

namespace fs = std::filesystem;

constexpr char kEstimates[] = "estimator.jsonl";

struct Arguments {
  StudyOptions common;
  std::string preset = "exp_classify_mlp_ps", against = "exp_classify_mlp_ga";
  int64_t samples = 10, trials = 10, every = 10;
};

Metrics HowMeasured(const Arguments& arguments) {
  return {{"samples", static_cast<double>(arguments.samples)},
          {"trials", static_cast<double>(arguments.trials)},
          {"every", static_cast<double>(arguments.every)}};
}

// Throws Error where estimates in the file were measured otherwise: they cannot be measured again, as the model of
// their step is gone.
void CheckEstimates(const fs::path& file, const Arguments& arguments) {
  const auto texts = [](const Metrics& metrics) {
    SettingTexts texts;
    for (const auto& [name, value] : metrics) texts.emplace_back(name, std::to_string(std::llround(value)));
    return texts;
  };
  const Metrics now = HowMeasured(arguments);
  for (MetricsLine& line : ReadMetrics(file)) {
    std::erase_if(line.metrics, [&](const auto& metric) {
      return std::ranges::none_of(now, [&](const auto& of) { return of.first == metric.first; });
    });
    const std::vector<SettingChange> changes = ChangedSettings(texts(line.metrics), texts(now));
    Check(changes.empty(), file.string(), " holds an estimate at step ", line.step, " with another ",
          DescribeChanges(changes), kElsewhere);
  }
}

int Study(const Arguments& arguments) {
  const Device device = ApplyDeviceOptions(arguments.common.device);
  const fs::path output =
      MakeStudyDirectory(arguments.common.output.empty() ? "runs/study-estimator" : arguments.common.output);
  const io::WriterLock lock(output);
  for (const std::string& preset : {arguments.preset, arguments.against}) {
    CheckStudyRun(SettingsOf(preset, arguments.common), output / preset);
    CheckEstimates(output / preset / kEstimates, arguments);
  }
  std::vector<Series> variance, loss;
  for (const std::string& preset : {arguments.preset, arguments.against}) {
    TrainingRun run = MakeStudyRun(SettingsOf(preset, arguments.common), output / preset, device);
    const int64_t first_step = run.trainer().step(), last_step = run.trainer().total_steps();
    const std::string file = (output / preset / kEstimates).string();
    const int64_t per_epoch = run.trainer().steps_per_epoch();
    {
      MetricsWriter writer(file, first_step);
      int64_t last = -1;
      for (const MetricsLine& line : ReadMetrics(file)) last = line.step;
      const auto measure = [&](int64_t step) {
        if (step <= last || (step % (per_epoch * arguments.every) != 0 && step != last_step)) return;
        const Estimate estimate = MeasureEstimate(run, Split::kValid, arguments.samples, arguments.trials);
        Metrics metrics = HowMeasured(arguments);
        for (const auto& metric : estimate.AsMetrics()) metrics.push_back(metric);
        writer.Write(step, metrics);
      };
      measure(first_step);  // of the model as it was initialised
      const StopSignal stop;
      if (!TrainUntil(run, stop, measure) || stop.requested()) return 128 + stop.signal();
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

}  // namespace

void AddEstimatorStudy(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "estimator", "mean and variance of the estimator over the epochs of two runs: learned against uniform");
  const auto arguments = std::make_shared<Arguments>();
  AddStudyOptions(*command, arguments->common);
  command->add_option("--preset", arguments->preset, "what is trained")->capture_default_str();
  command->add_option("--against", arguments->against, "the preset to compare with")->capture_default_str();
  command->add_option("--samples", arguments->samples, "of an estimate")
      ->check(CLI::Range(int64_t{1}, int64_t{100000}))
      ->capture_default_str();
  command->add_option("--trials", arguments->trials, "estimates, each with noise of its own")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{2}, int64_t{100000}));
  command->add_option("--every", arguments->every, "epochs between two measurements")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000}))
      ->capture_default_str();
  command->callback([arguments, &status] { status = Study(*arguments); });
}

}  // namespace orbit
