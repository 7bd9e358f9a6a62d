// The order in which a training run visits its examples.
#include "data/batches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace orbit {
namespace {

TEST(ShuffledBatchesTest, EveryEpochVisitsEachExampleOnceInAnOrderOfItsOwn) {
  ShuffledBatches batches(Generator(3), 20, 5);
  ASSERT_EQ(batches.per_epoch(), 4);
  std::vector<std::vector<int64_t>> epochs(2);
  for (int64_t step = 0; step < 8; ++step)
    for (const int64_t example : batches(step).ToVector<int64_t>()) epochs[step / 4].push_back(example);
  for (const auto& epoch : epochs) {
    EXPECT_EQ(std::set<int64_t>(epoch.begin(), epoch.end()).size(), 20u);
    EXPECT_EQ(*std::max_element(epoch.begin(), epoch.end()), 19);
  }
  EXPECT_NE(epochs[0], epochs[1]);
}

TEST(ShuffledBatchesTest, IsAFunctionOfSeedAndStepAlone) {
  ShuffledBatches forward(Generator(3), 23, 5), back(Generator(3), 23, 5), other(Generator(4), 23, 5);
  bool differs = false;
  for (int64_t step = 11; step >= 0; --step) {
    const auto expected = ShuffledBatches(Generator(3), 23, 5)(step).ToVector<int64_t>();
    EXPECT_EQ(back(step).ToVector<int64_t>(), expected);
    EXPECT_EQ(forward(11 - step).ToVector<int64_t>(),
              ShuffledBatches(Generator(3), 23, 5)(11 - step).ToVector<int64_t>());
    differs |= other(step).ToVector<int64_t>() != expected;
  }
  EXPECT_TRUE(differs);
}

TEST(ShuffledBatchesTest, WhatMakesNoSenseIsRefused) {
  EXPECT_THROW(ShuffledBatches(Generator(0), 4, 5)(0), Error);
  EXPECT_THROW(ShuffledBatches(Generator(0), 4, 0)(0), Error);
}

}  // namespace
}  // namespace orbit
