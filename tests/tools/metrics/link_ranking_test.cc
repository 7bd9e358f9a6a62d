// Ranks of links against those that sorting gives (NumPy), as the Long Range Graph Benchmark computes them.
#include "tools/metrics/link_ranking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/tools/metrics/draws.h"

namespace orbit {
namespace {

constexpr int64_t kGraphs = 5, kNodes = 14;

TEST(LinkRanking, IsThatOfSorting) {
  Draws draw(4);
  std::vector<float> scores;
  std::vector<uint8_t> labels;
  for (int64_t graph = 0; graph < kGraphs; ++graph) {
    const int64_t nodes = 8 + draw(7);
    std::vector<int64_t> distinct(kNodes * kNodes);
    std::iota(distinct.begin(), distinct.end(), 0);
    for (int64_t i = 0; i < kNodes * kNodes; ++i) std::swap(distinct[i], distinct[i + draw(kNodes * kNodes - i)]);
    scores.insert(scores.end(), distinct.begin(), distinct.end());
    for (int64_t i = 0; i < kNodes; ++i)
      for (int64_t j = 0; j < kNodes; ++j) {
        const int64_t kind = draw(8);
        const PairLabel label = std::max(i, j) >= nodes            ? PairLabel::kNone
                                : kind < 5 || i == j || graph == 3 ? PairLabel::kUnlabelled
                                : kind < 6                         ? PairLabel::kUnlinked
                                                                   : PairLabel::kLinked;
        labels.push_back(static_cast<uint8_t>(label));
      }
  }
  const auto check = [&](LinkFilter filter, double hits1, double hits3, double hits10, double mrr) {
    const LinkRanks ranks = RankLinks(Tensor::From(scores, {kGraphs, kNodes, kNodes}),
                                      Tensor::From(labels, {kGraphs, kNodes, kNodes}), filter);
    EXPECT_NEAR(ranks.hits1, hits1, 1e-12);
    EXPECT_NEAR(ranks.hits3, hits3, 1e-12);
    EXPECT_NEAR(ranks.hits10, hits10, 1e-12);
    EXPECT_NEAR(ranks.mrr, mrr, 1e-12);
  };
  check(LinkFilter::kRaw, 0.11440985485103133, 0.3342723453017571, 0.9344155844155845, 0.3117811899606208);
  check(LinkFilter::kFiltered, 0.14340145148968678, 0.3757639419404125, 0.9857142857142858, 0.3506143669589048);
  check(LinkFilter::kFilteredNoSelves, 0.15810733384262796, 0.4252769289533995, 1, 0.3801462857870421);
}

// Scores that are all the same put a tail in the middle, not first.
TEST(LinkRanking, EqualScoresShareTheirRanks) {
  constexpr auto kUnlabelled = static_cast<uint8_t>(PairLabel::kUnlabelled);
  std::vector<uint8_t> labels(25, kUnlabelled);
  labels[1] = static_cast<uint8_t>(PairLabel::kLinked);
  const Tensor all = Tensor::From(labels, {1, 5, 5}), scores = Tensor::Zeros({1, 5, 5});
  EXPECT_DOUBLE_EQ(RankLinks(scores, all, LinkFilter::kRaw).mrr, 1.0 / 3);
  EXPECT_EQ(RankLinks(scores, all, LinkFilter::kRaw).hits3, 1);
  EXPECT_EQ(RankLinks(scores, all, LinkFilter::kRaw).hits1, 0);
  EXPECT_DOUBLE_EQ(RankLinks(scores, all, LinkFilter::kFilteredNoSelves).mrr, 1 / 2.5);
  const Tensor nan = Tensor::Full({1, 5, 5}, NAN);
  EXPECT_TRUE(std::isnan(RankLinks(nan, all, LinkFilter::kRaw).hits10));
  labels[1] = kUnlabelled;
  EXPECT_TRUE(std::isnan(RankLinks(scores, Tensor::From(labels, {1, 5, 5}), LinkFilter::kRaw).mrr));
}

}  // namespace
}  // namespace orbit
