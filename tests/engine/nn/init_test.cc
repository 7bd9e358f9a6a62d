#include "engine/nn/init.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace orbit::nn {
namespace {

// Checks that all values are in [-bound, bound), come close to both ends, and are uniformly distributed.
void ExpectUniform(const Tensor& tensor, double bound) {
  const std::vector<double> values = tensor.ToVector<double>();
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  EXPECT_GE(*low, -bound);
  EXPECT_LE(*high, bound);
  EXPECT_LT(*low, -0.99 * bound);
  EXPECT_GT(*high, 0.99 * bound);
  double sum = 0, squares = 0;
  for (double value : values) sum += value, squares += value * value;
  EXPECT_NEAR(sum / values.size(), 0, 0.03 * bound);
  EXPECT_NEAR(squares / values.size(), bound * bound / 3, 0.03 * bound * bound);
}

TEST(Init, FansCountTheKernel) {
  EXPECT_EQ(FanIn({8, 3}), 3);
  EXPECT_EQ(FanOut({8, 3}), 8);
  EXPECT_EQ(FanIn({8, 3, 4, 5}), 60);
  EXPECT_EQ(FanOut({8, 3, 4, 5}), 160);
  EXPECT_THROW(FanIn({8}), Error);
}

TEST(Init, BoundsAreThoseOfPyTorch) {
  Generator generator(11);
  ExpectUniform(FanInUniform({100, 64}, 64, generator), 0.125);
  ExpectUniform(KaimingUniform({100, 64}, std::sqrt(5.0), generator), 0.125);
  ExpectUniform(KaimingUniform({100, 96}, 0, generator), 0.25);
  ExpectUniform(XavierUniform({60, 90}, 0.5, generator), 0.1);
}

TEST(Init, DrawsDifferAndRepeatWithTheSeed) {
  Generator first(7), second(7);
  const auto a = FanInUniform({4, 4}, 4, first).ToVector<float>();
  EXPECT_EQ(a, FanInUniform({4, 4}, 4, second).ToVector<float>());
  EXPECT_NE(a, FanInUniform({4, 4}, 4, first).ToVector<float>());
}

}  // namespace
}  // namespace orbit::nn
