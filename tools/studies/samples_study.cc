#include "tools/studies/samples_study.h"

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/io/atomic_file.h"
#include "engine/io/writer_lock.h"
#include "tools/common/device_options.h"
#include "tools/common/stop_signal.h"
#include "tools/report/figure.h"
#include "tools/report/metrics.h"
#include "tools/studies/estimate.h"
#include "tools/studies/study_options.h"
#include "tools/studies/study_run.h"

namespace orbit {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  StudyOptions common;
  std::string preset = "exp_classify_mlp_ps";
  std::vector<int64_t> training_samples = {1, 2, 5, 10, 20, 50}, test_samples = training_samples;
  int64_t trials = 10;
};

int Study(const Arguments& arguments) {
  const Device device = ApplyDeviceOptions(arguments.common.device);
  const fs::path output =
      MakeStudyDirectory(arguments.common.output.empty() ? "runs/study-samples" : arguments.common.output);
  const io::WriterLock lock(output);
  std::vector<Series> accuracy, variance, loss;
  std::vector<std::string> lines;
  for (const int64_t samples : arguments.training_samples) {
    SettingsSources sources = SettingsOf(arguments.preset, arguments.common);
    sources.assignments.push_back("train.samples=" + std::to_string(samples));
    TrainingRun run = MakeStudyRun(sources, output / ("train-" + std::to_string(samples)), device);
    {
      const StopSignal stop;
      if (!TrainUntil(run, stop) || stop.requested()) return 128 + stop.signal();
    }
    run.LoadBest();
    const std::string name = std::to_string(samples) + " in training";
    for (auto* series : {&accuracy, &variance, &loss}) series->push_back({.name = name, .points = {}});
    for (const int64_t tested : arguments.test_samples) {
      const Estimate estimate = MeasureEstimate(run, Split::kTest, tested, arguments.trials);
      accuracy.back().points.emplace_back(tested, estimate.metric);
      variance.back().points.emplace_back(tested, estimate.variance);
      loss.back().points.emplace_back(tested, estimate.loss);
      nlohmann::ordered_json json = {
          {"training samples", samples}, {"test samples", tested}, {"trials", arguments.trials}};
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
      DrawFigureOrWarn({.title = title,
                        .x_label = "samples in test",
                        .y_label = label,
                        .log_y = log,
                        .log_x = true,
                        .series = series},
                       (output / file).string());
    };
    draw("Test " + metric + " by the number of samples", metric, false, accuracy, "metric.svg");
    draw("Test loss by the number of samples", "loss", false, loss, "loss.svg");
    draw("Variance of the estimator by the number of samples", "variance", true, variance, "variance.svg");
  }
  std::printf("the study is in %s\n", output.c_str());
  return 0;
}

}  // namespace

void AddSamplesStudy(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "samples", "trains with several numbers of samples, and tests each with several: accuracy, loss, variance");
  const auto arguments = std::make_shared<Arguments>();
  AddStudyOptions(*command, arguments->common);
  command->add_option("--preset", arguments->preset, "what is trained")->capture_default_str();
  command->add_option("--trials", arguments->trials, "estimates, each with noise of its own")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{2}, int64_t{100000}));
  command->add_option("--train-samples", arguments->training_samples, "numbers of samples in training")
      ->delimiter(',')
      ->check(CLI::Range(int64_t{1}, int64_t{100000}))
      ->capture_default_str();
  command->add_option("--test-samples", arguments->test_samples, "numbers of samples in test")
      ->delimiter(',')
      ->check(CLI::Range(int64_t{1}, int64_t{100000}))
      ->capture_default_str();
  command->callback([arguments, &status] { status = Study(*arguments); });
}

}  // namespace orbit
