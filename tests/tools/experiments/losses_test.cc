// Losses in parts: by hand, and parts of a batch add up to it.
#include "tools/experiments/losses.h"

#include <gmock/gmock.h>

#include <cmath>

namespace orbit {
namespace {

TEST(Losses, RareClassesWeighMore) {
  EXPECT_THAT(RarityWeights({30, 10}), testing::ElementsAre(0.25, 0.75));
  EXPECT_THAT(RarityWeights({5, 0, 15}), testing::ElementsAre(0.75, 0, 0.25));
  EXPECT_THAT(RarityWeights({0, 7}), testing::ElementsAre(0, 1));
}

// Two classes, three nodes of the first and one of the second; the last row is no node.
TEST(Losses, BalancedCrossEntropyOfPartsAddsUp) {
  const std::vector<float> logits = {1, 0, 0, 2, 3, 0, 0.5f, 0.5f, 9, 0};
  const std::vector<int64_t> target = {0, 1, 0, 0, -100};
  const std::vector<double> counts = {3, 1};
  const auto part = [&](int64_t begin, int64_t end) {
    const LossPart loss = BalancedCrossEntropy(
        Tensor::From(std::vector<float>(logits.begin() + 2 * begin, logits.begin() + 2 * end), {end - begin, 2}),
        Tensor::From(std::vector<int64_t>(target.begin() + begin, target.begin() + end), {end - begin}), counts);
    return loss.sum.value().Item() / loss.denominator;
  };
  const auto nll = [](double right, double wrong) { return std::log1p(std::exp(wrong - right)); };
  const double expected = (0.25 * (nll(1, 0) + nll(3, 0) + nll(0.5, 0.5)) + 0.75 * nll(2, 0)) / (3 * 0.25 + 0.75);
  EXPECT_NEAR(part(0, 5), expected, 1e-6);
  EXPECT_NEAR(part(0, 2) + part(2, 5), expected, 1e-6);
}

TEST(Losses, LeaveOutWhatIsNotKnown) {
  const Tensor targets = Tensor::From(std::vector<float>{1, NAN, 0, 1}, {2, 2});
  const Tensor packed = PackKnown(targets);
  const std::vector<float> back = UnpackKnown(packed).ToVector<float>();
  EXPECT_TRUE(back[0] == 1 && std::isnan(back[1]) && back[2] == 0 && back[3] == 1);
  const Variable predictions(Tensor::From(std::vector<float>{2, 5, -1, 0}, {2, 2}), true);
  const LossPart l1 = KnownL1(predictions, packed, 3), bce = KnownBce(predictions, packed, 3);
  EXPECT_EQ(l1.sum.value().Item(), 1 + 1 + 1);
  EXPECT_EQ(l1.denominator, 3);
  EXPECT_NEAR(bce.sum.value().Item(), std::log1p(std::exp(-2)) + std::log1p(std::exp(-1)) + std::log(2), 1e-6);
  Total({l1}).Backward();
  EXPECT_EQ(predictions.grad().ToVector<float>()[1], 0);
}

}  // namespace
}  // namespace orbit
