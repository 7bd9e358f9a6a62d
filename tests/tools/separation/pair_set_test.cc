#include "tools/separation/pair_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace orbit {
namespace {

using testing::ElementsAre;
using testing::Pair;

PairSet AllPairs(int64_t things) {
  PairSet pairs(things);
  for (int64_t a = 0; a < things; ++a)
    for (int64_t b = a + 1; b < things; ++b) pairs.Insert(a, b);
  return pairs;
}

TEST(PairSetTest, HoldsPairs) {
  PairSet pairs(100);
  EXPECT_EQ(pairs.size(), 0);
  pairs.Insert(70, 3);
  pairs.Insert(3, 70);
  pairs.Insert(4, 5);
  EXPECT_EQ(pairs.size(), 2);
  EXPECT_THAT(pairs.First(10), ElementsAre(Pair(3, 70), Pair(4, 5)));
  EXPECT_THAT(pairs.First(1), ElementsAre(Pair(3, 70)));
  const std::vector<bool> members = pairs.Members();
  for (int64_t i = 0; i < 100; ++i) EXPECT_EQ(members[i], i == 3 || i == 70 || i == 4 || i == 5) << i;
}

TEST(PairSetTest, IntervalsThatTouchAreNotDisjoint) {
  PairSet pairs = AllPairs(4);
  pairs.RemoveDisjoint({{0, 1}, {1, 2}, {3, 3}, {3, 3}});
  EXPECT_THAT(pairs.First(10), ElementsAre(Pair(0, 1), Pair(2, 3)));
}

TEST(PairSetTest, RemovesThePairsOfEveryTwoDisjointIntervals) {
  constexpr int64_t kThings = 150;
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(0, 1);
  PairSet pairs = AllPairs(kThings);
  std::vector<std::vector<Interval>> rounds;
  for (int round = 0; round < 3; ++round) {
    rounds.emplace_back();
    for (int64_t i = 0; i < kThings; ++i) {
      const double low = std::round(20 * uniform(random)) / 20;
      rounds.back().push_back({low, low + 0.1 * std::round(3 * uniform(random))});
    }
    pairs.RemoveDisjoint(rounds.back());
    std::vector<std::pair<int64_t, int64_t>> expected;
    for (int64_t a = 0; a < kThings; ++a)
      for (int64_t b = a + 1; b < kThings; ++b) {
        bool together = true;
        for (const std::vector<Interval>& intervals : rounds)
          together = together && intervals[a].low <= intervals[b].high && intervals[b].low <= intervals[a].high;
        if (together) expected.emplace_back(a, b);
      }
    EXPECT_EQ(pairs.First(kThings * kThings), expected);
    EXPECT_EQ(pairs.size(), static_cast<int64_t>(expected.size()));
  }
}

}  // namespace
}  // namespace orbit
