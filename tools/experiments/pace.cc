#include "tools/experiments/pace.h"

#include <chrono>
#include <cmath>
#include <memory>

#include "tools/experiments/evaluation.h"
#include "tools/experiments/trainer.h"

namespace orbit {
namespace {

constexpr double kMargin = 0.98;  // of a time, for what was not measured

}  // namespace

int64_t Pace::StepsWithin(double seconds) const {
  const double rest = kMargin * seconds - validation - test;
  const auto steps =
      static_cast<int64_t>(std::floor(rest / (step + validation / static_cast<double>(steps_between_validations))));
  Check(steps >= 1, "no step fits into ", seconds, " s: a step takes ", step, " s, a validation ", validation,
        " s and the test ", test, " s");
  return steps;
}

Pace MeasurePace(Config config, Experiment& experiment, bool captured, double seconds) {
  config.Set("train.epochs=0");
  config.Set("train.steps=1000000000");  // the schedule of a run that is just beginning
  const std::shared_ptr<Communicator> alone = MakeSingleProcess();
  Trainer trainer(config, experiment, /*run=*/nullptr, *alone);  // which writes nothing
  if (captured) trainer.CaptureSteps();
  Pace pace{.step = trainer.SecondsPerStep(seconds),
            .steps_between_validations = config.Int("evaluation.every") * trainer.steps_per_epoch()};

  // What a validation takes tells what the test does: seconds are as examples times samples.
  const auto work = [&](Split split, const char* samples) {
    return static_cast<double>(experiment.size(split)) * static_cast<double>(config.Int(samples));
  };
  double taken = pace.step;
  double done = static_cast<double>(config.Int("train.batch")) * static_cast<double>(config.Int("train.samples"));
  if (experiment.size(Split::kValid) > 0) {
    experiment.model().Eval();
    Generator generator = MakeGenerator(config.Int("seed"), RandomUse::kValidation);
    const auto begin = std::chrono::steady_clock::now();
    Evaluate(experiment, Split::kValid, config.Int("evaluation.samples"), generator);
    taken = pace.validation = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    done = work(Split::kValid, "evaluation.samples");
  }
  pace.test = taken / done * work(Split::kTest, "evaluation.test_samples");
  return pace;
}

}  // namespace orbit
