// The accuracy of classes, per batch, against scikit-learn 1.9's balanced_accuracy_score.
#include "tools/metrics/class_accuracy.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/tools/metrics/draws.h"

namespace orbit {
namespace {

TEST(ClassAccuracy, IsScikitLearnsAveragedOverBatches) {
  Draws draw(3);
  std::vector<float> logits;
  std::vector<int64_t> targets;
  for (int graph = 0; graph < 10; ++graph)
    for (int node = 0; node < 12; ++node) {
      const bool is_padding = node >= 7 + draw(6);
      targets.push_back(is_padding ? -100 : std::min<int64_t>(2, draw(7) / 2));
      for (int c = 0; c < 3; ++c) {
        const auto noise = static_cast<float>(draw(5));
        logits.push_back(noise + (targets.back() == c ? 1.5f : 0));
      }
    }
  EXPECT_NEAR(ClassAccuracy(Tensor::From(logits, {10, 12, 3}), Tensor::From(targets, {10, 12}), 4), 55.397133730467054,
              1e-10);
}

// One class is right and another wrong; the third does not occur.
TEST(ClassAccuracy, OfClassesThatOccur) {
  const Tensor logits = Tensor::From(std::vector<float>{2, 1, 0, 2, 1, 0, 2, 1, 0}, {1, 3, 3});
  const auto accuracy = [&](const std::vector<int64_t>& targets) {
    return ClassAccuracy(logits, Tensor::From(targets, {1, 3}), 128);
  };
  EXPECT_EQ(accuracy({0, 0, 1}), 50);
  EXPECT_EQ(accuracy({0, 0, -100}), 100);
  EXPECT_EQ(accuracy({1, 1, 1}), 0);
  EXPECT_THROW(accuracy({0, 3, 0}), Error);
}

}  // namespace
}  // namespace orbit
