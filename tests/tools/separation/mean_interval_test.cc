// The interval holds the mean as often as it says, for any bounded distribution and any number of samples, and it is as
// narrow as the variance lets it be.
#include "tools/separation/mean_interval.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "kernels/error.h"

namespace orbit {
namespace {

struct Distribution {
  std::string name;
  double mean, deviation;
  std::function<double(std::mt19937_64&)> draw;
};

std::vector<Distribution> Distributions() {
  const auto bernoulli = [](double p) {
    return Distribution{"Bernoulli " + std::to_string(p), p, std::sqrt(p * (1 - p)),
                        [p](auto& random) { return std::bernoulli_distribution(p)(random) ? 1.0 : 0.0; }};
  };
  return {bernoulli(0.5),
          bernoulli(0.03),  // of which a small sample sees none: a normal interval would hold 0 alone
          bernoulli(0.999),
          {"constant", 0.7, 0, [](auto&) { return 0.7; }},
          {"uniform", 0.5, std::sqrt(1.0 / 12),
           [](auto& random) { return std::uniform_real_distribution(0.0, 1.0)(random); }},
          {"narrow", 0.3, 0.01, [](auto& random) { return std::bernoulli_distribution(0.5)(random) ? 0.31 : 0.29; }},
          {"squared", 1.0 / 3, std::sqrt(4.0 / 45), [](auto& random) {
             const double x = std::uniform_real_distribution(0.0, 1.0)(random);
             return x * x;
           }}};
}

Interval Draw(const Distribution& distribution, int64_t samples, int64_t planned, double error,
              std::mt19937_64& random) {
  MeanInterval interval(planned, error);
  for (int64_t i = 0; i < samples; ++i) interval.Add(distribution.draw(random));
  return interval.Get();
}

TEST(MeanIntervalTest, HoldsTheMeanAsOftenAsItSays) {
  constexpr int kRuns = 2000;
  std::mt19937_64 random(1);
  for (const Distribution& distribution : Distributions())
    for (const double error : {0.3, 0.05})
      for (const int64_t samples : {1, 2, 5, 30, 300}) {
        int misses = 0;
        for (int run = 0; run < kRuns; ++run) {
          const auto [low, high] = Draw(distribution, samples, samples, error, random);
          misses += distribution.mean < low || distribution.mean > high;
        }
        // Four standard errors above what is allowed.
        EXPECT_LE(misses, kRuns * error + 4 * std::sqrt(kRuns * error * (1 - error)))
            << distribution.name << ", " << samples << " samples";
      }
}

TEST(MeanIntervalTest, HoldsItWhateverWasPlanned) {
  std::mt19937_64 random(2);
  int misses = 0;
  for (int run = 0; run < 1000; ++run) {
    const auto [low, high] = Draw(Distributions()[1], 200, run % 2 ? 10 : 100000, 0.1, random);
    misses += low > 0.03 || high < 0.03;
  }
  EXPECT_LE(misses, 140);
}

TEST(MeanIntervalTest, IsAsNarrowAsTheVarianceLets) {
  std::mt19937_64 random(3);
  constexpr int64_t kSamples = 100000;
  constexpr double kError = 1e-6;
  for (const Distribution& distribution : Distributions()) {
    const auto [low, high] = Draw(distribution, kSamples, kSamples, kError, random);
    const double log = std::log(2 / kError), radius = (high - low) / 2;
    EXPECT_LE(radius, 1.15 * distribution.deviation * std::sqrt(2 * log / kSamples) + 2 * log / kSamples)
        << distribution.name;
  }
}

TEST(MeanIntervalTest, IsAllBeforeThereAreSamplesAndStaysWithinTheBounds) {
  const auto [low, high] = MeanInterval(10, 0.1).Get();
  EXPECT_EQ(low, 0);
  EXPECT_EQ(high, 1);
  MeanInterval one(1, 1e-9);
  one.Add(1);
  EXPECT_EQ(one.Get().low, 0);
  EXPECT_EQ(one.Get().high, 1);
}

TEST(MeanIntervalTest, RefusesWhatIsNotBounded) {
  MeanInterval interval(10, 0.1);
  EXPECT_THROW(interval.Add(1.1), Error);
  EXPECT_THROW(interval.Add(-0.1), Error);
  EXPECT_THROW(interval.Add(std::nan("")), Error);
  EXPECT_THROW(MeanInterval(0, 0.1), Error);
  EXPECT_THROW(MeanInterval(1, 0), Error);
}

}  // namespace
}  // namespace orbit
