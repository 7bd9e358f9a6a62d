#include "tools/metrics/distances.h"

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/error.h"

namespace orbit {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

void CheckShapes(const char* metric, const Tensor& predictions, const Tensor& targets) {
  Check(predictions.rank() == 2 && predictions.shape() == targets.shape(), metric, " of predictions ",
        predictions.Describe(), " and targets ", targets.Describe());
}

}  // namespace

double MeanAbsoluteError(const Tensor& predictions, const Tensor& targets) {
  CheckShapes("the mean absolute error", predictions, targets);
  const std::vector<double> predicted = predictions.ToVector<double>(), known = targets.ToVector<double>();
  double sum = 0;
  int64_t count = 0;
  for (size_t i = 0; i < known.size(); ++i) {
    if (std::isnan(known[i])) continue;
    sum += std::abs(predicted[i] - known[i]);
    ++count;
  }
  return count == 0 ? kNone : sum / static_cast<double>(count);
}

double R2(const Tensor& predictions, const Tensor& targets) {
  CheckShapes("R^2", predictions, targets);
  const std::vector<double> predicted = predictions.ToVector<double>(), known = targets.ToVector<double>();
  const size_t values = targets.dim(1);
  double sum = 0;
  int64_t averaged = 0;
  for (size_t value = 0; value < values; ++value) {
    double mean = 0, count = 0, error = 0, variation = 0;
    const auto for_known = [&](const auto& function) {
      for (size_t i = value; i < known.size(); i += values)
        if (!std::isnan(known[i])) function(predicted[i], known[i]);
    };
    for_known([&](double, double y) { mean += y, count += 1; });
    if (count < 2) continue;
    mean /= count;
    for_known([&](double p, double y) { error += (p - y) * (p - y), variation += (y - mean) * (y - mean); });
    sum += variation > 0 ? 1 - error / variation : error == 0 ? 1 : error > 0 ? 0 : kNone;
    ++averaged;
  }
  return averaged == 0 ? kNone : sum / static_cast<double>(averaged);
}

}  // namespace orbit
