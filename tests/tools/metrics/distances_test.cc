// Mean absolute error and R^2 against scikit-learn 1.9.
#include "tools/metrics/distances.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/tools/metrics/draws.h"

namespace orbit {
namespace {

struct Examples {
  Tensor predictions, targets;
};

// 60 examples of 3 values, the last of which is always 2.5.
Examples Draw(bool missing) {
  Draws draw(2);
  std::vector<double> predictions, targets;
  for (int i = 0; i < 60; ++i)
    for (int value = 0; value < 3; ++value) {
      const double target = value == 2 ? 2.5 : static_cast<double>(draw(100)) / 8 - 5;
      predictions.push_back(target + static_cast<double>(draw(32)) / 8 - 2);
      targets.push_back(draw(9) == 0 && missing ? std::numeric_limits<double>::quiet_NaN() : target);
    }
  return {Tensor::From(predictions, {60, 3}), Tensor::From(targets, {60, 3})};
}

TEST(Distances, AreScikitLearns) {
  const Examples all = Draw(false), some = Draw(true);
  EXPECT_NEAR(MeanAbsoluteError(all.predictions, all.targets), 1, 1e-12);
  EXPECT_NEAR(R2(all.predictions, all.targets), 0.604740415140535, 1e-12);
  EXPECT_NEAR(MeanAbsoluteError(some.predictions, some.targets), 0.9992424242424243, 1e-12);
  EXPECT_NEAR(R2(some.predictions, some.targets), 0.6053301410379216, 1e-12);
}

TEST(Distances, OfFewValues) {
  const Tensor one = Tensor::From(std::vector<float>{3}, {1, 1});
  EXPECT_TRUE(std::isnan(R2(one, one)));
  const Tensor same = Tensor::From(std::vector<float>{3, 3}, {2, 1});
  EXPECT_EQ(R2(same, same), 1);
  const Tensor none = Tensor::From(std::vector<float>{NAN, NAN}, {2, 1});
  EXPECT_TRUE(std::isnan(R2(same, none)));
  EXPECT_TRUE(std::isnan(MeanAbsoluteError(same, none)));
  EXPECT_TRUE(std::isnan(R2(none, same)));
  EXPECT_THROW(R2(same, one), Error);
}

}  // namespace
}  // namespace orbit
