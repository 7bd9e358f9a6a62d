// Average precision and ROC-AUC of scores with many ties, against scikit-learn 1.9.
#include "tools/metrics/ranked_labels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/tools/metrics/draws.h"

namespace orbit {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

struct Examples {
  Tensor scores, targets;
};

// 200 examples of 5 labels, of which no example has the last one.
Examples Draw(bool missing) {
  Draws draw(1);
  std::vector<double> scores, targets;
  for (int i = 0; i < 200; ++i)
    for (int label = 0; label < 5; ++label) {
      scores.push_back(static_cast<double>(draw(17)) / 4 - 2);
      const bool has = label != 4 && static_cast<double>(draw(17)) <= scores.back() * 2 + 4 + label;
      targets.push_back(draw(9) == 0 && missing ? kMissing : has ? 1 : 0);
    }
  return {Tensor::From(scores, {200, 5}), Tensor::From(targets, {200, 5})};
}

TEST(RankedLabels, AreScikitLearns) {
  const Examples all = Draw(false), some = Draw(true);
  EXPECT_NEAR(AveragePrecision(all.scores, all.targets), 0.559482756540593, 1e-12);
  EXPECT_NEAR(RocAuc(all.scores, all.targets), 0.6993685212485243, 1e-12);
  EXPECT_NEAR(AveragePrecision(some.scores, some.targets), 0.5756780934405781, 1e-12);
  EXPECT_NEAR(RocAuc(some.scores, some.targets), 0.7141398831087781, 1e-12);
}

// The same score for everybody tells nothing: precision is the label's frequency, AUC a half.
TEST(RankedLabels, OfFrequenciesAreTheFrequencies) {
  const Tensor scores = Tensor::From(std::vector<float>(8, 0.25f), {4, 2});
  const Tensor targets = Tensor::From(std::vector<float>{1, 0, 0, 1, 0, 0, 0, 1}, {4, 2});
  EXPECT_DOUBLE_EQ(AveragePrecision(scores, targets), (0.25 + 0.5) / 2);
  EXPECT_DOUBLE_EQ(RocAuc(scores, targets), 0.5);
}

TEST(RankedLabels, WhereNothingIsToBeRanked) {
  const Tensor scores = Tensor::From(std::vector<float>{1, 2}, {2, 1});
  for (const std::vector<float>& targets :
       {std::vector<float>{1, 1}, std::vector<float>{0, 0}, std::vector<float>{1, NAN}}) {
    EXPECT_TRUE(std::isnan(AveragePrecision(scores, Tensor::From(targets, {2, 1}))));
    EXPECT_TRUE(std::isnan(RocAuc(scores, Tensor::From(targets, {2, 1}))));
  }
  const Tensor nan = Tensor::From(std::vector<float>{1, NAN}, {2, 1});
  EXPECT_TRUE(std::isnan(RocAuc(nan, Tensor::From(std::vector<float>{0, 1}, {2, 1}))));
  EXPECT_THROW(RocAuc(scores, Tensor::From(std::vector<float>{0, 2}, {2, 1})), Error);
  EXPECT_THROW(RocAuc(scores, Tensor::Zeros({1, 2})), Error);
}

}  // namespace
}  // namespace orbit
