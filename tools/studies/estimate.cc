#include "tools/studies/estimate.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tools/experiments/evaluation.h"

namespace orbit {
namespace {

double Deviation(const std::vector<double>& values, double mean) {
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return values.size() > 1 ? std::sqrt(sum / static_cast<double>(values.size() - 1)) : 0;
}

}  // namespace

Estimate MeasureEstimate(const TrainingRun& run, Split split, int64_t samples, int64_t trials) {
  const Experiment& experiment = run.experiment();
  Generator generator = MakeGenerator(run.config().Int("seed"), RandomUse::kTest);
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

}  // namespace orbit
