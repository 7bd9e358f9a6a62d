#include "tools/separation/mean_interval.h"

#include <algorithm>
#include <cmath>

#include "kernels/error.h"

namespace orbit {
namespace {

constexpr double kLargestWeight = 0.75;  // below 1

}  // namespace

MeanInterval::MeanInterval(int64_t planned, double error)
    : log_(std::log(2 / error)), planned_(static_cast<double>(planned)) {
  Check(planned >= 1 && error > 0 && error < 1, "an interval from ", planned, " samples with an error of ", error);
}

void MeanInterval::Add(double x) {
  Check(x >= 0 && x <= 1, "a sample of a bounded mean is ", x, ", outside of [0, 1]");
  // The weight and the deviation look at the samples before this one alone: that is what the proof needs.
  const double mean = (0.5 + sum_) / (1 + count_), variance = squares_ / (1 + count_);
  const double lambda = std::min(kLargestWeight, std::sqrt(2 * log_ / (planned_ * variance)));
  const double deviation = x - mean;
  spread_ += deviation * deviation * (-std::log1p(-lambda) - lambda);  // v psi = 4 deviation^2 (...) / 4
  weights_ += lambda;
  weighted_ += lambda * x;
  ++count_;
  sum_ += x;
  const double new_mean = (0.5 + sum_) / (1 + count_);
  squares_ += (x - new_mean) * (x - new_mean);
}

Interval MeanInterval::Get() const {
  if (count_ == 0) return {0, 1};
  const double centre = weighted_ / weights_, radius = (log_ + spread_) / weights_;
  return {std::max(0.0, centre - radius), std::min(1.0, centre + radius)};
}

}  // namespace orbit
