#include "data/graph/isomorphism.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace orbit {
namespace {

using testing::ElementsAre;

Graph MakeGraph(int64_t n, const std::vector<std::pair<int32_t, int32_t>>& edges, bool directed = false) {
  Graph graph{.n = n, .edges = {}, .labels = {}, .target = 0};
  for (const auto& [a, b] : edges) {
    graph.edges.push_back({a, b});
    if (!directed) graph.edges.push_back({b, a});
  }
  MergeEdges(graph);
  return graph;
}

Graph Shuffled(const Graph& graph, std::mt19937_64& random) {
  std::vector<int32_t> numbers(graph.n);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::shuffle(numbers.begin(), numbers.end(), random);
  return Renumber(graph, numbers);
}

TEST(IsomorphismTest, FindsGraphsThatAreTheSame) {
  const Graph path = MakeGraph(4, {{0, 1}, {1, 2}, {2, 3}}), same = MakeGraph(4, {{2, 0}, {0, 3}, {3, 1}}),
              star = MakeGraph(4, {{0, 1}, {0, 2}, {0, 3}}), more = MakeGraph(5, {{0, 1}, {1, 2}, {2, 3}});
  EXPECT_THAT(IsomorphismClasses({path, star, same, more, star}), ElementsAre(0, 1, 0, 3, 1));
}

// The 4 x 4 rook's graph and Shrikhande's: strongly regular with the same parameters.
TEST(IsomorphismTest, TellsStronglyRegularGraphsApart) {
  std::vector<std::pair<int32_t, int32_t>> rook, shrikhande;
  for (int32_t a = 0; a < 16; ++a)
    for (int32_t b = 0; b < a; ++b) {
      const int32_t row = (a / 4 - b / 4 + 4) % 4, column = (a % 4 - b % 4 + 4) % 4;
      if (row == 0 || column == 0) rook.emplace_back(a, b);
      const int32_t steps = 4 * row + column;
      if (steps == 1 || steps == 3 || steps == 4 || steps == 12 || steps == 5 || steps == 15)
        shrikhande.emplace_back(a, b);
    }
  std::mt19937_64 random(1);
  const Graph first = MakeGraph(16, rook), second = MakeGraph(16, shrikhande);
  EXPECT_THAT(IsomorphismClasses({first, second, Shuffled(second, random), Shuffled(first, random)}),
              ElementsAre(0, 1, 1, 0));
}

TEST(IsomorphismTest, DirectionsLoopsAndLabelsCount) {
  const Graph forward = MakeGraph(3, {{0, 1}, {0, 2}}, true), backward = MakeGraph(3, {{1, 0}, {2, 0}}, true),
              again = MakeGraph(3, {{2, 0}, {2, 1}}, true);
  EXPECT_THAT(IsomorphismClasses({forward, backward, again}), ElementsAre(0, 1, 0));
  const Graph cycle = MakeGraph(3, {{0, 1}, {1, 2}, {2, 0}}, true),
              turned = MakeGraph(3, {{1, 0}, {2, 1}, {0, 2}}, true);
  EXPECT_THAT(IsomorphismClasses({cycle, turned}), ElementsAre(0, 0));
  const Graph at_end = MakeGraph(3, {{0, 1}, {1, 2}, {0, 0}}), at_other = MakeGraph(3, {{0, 1}, {1, 2}, {2, 2}}),
              in_middle = MakeGraph(3, {{0, 1}, {1, 2}, {1, 1}});
  EXPECT_THAT(IsomorphismClasses({at_end, in_middle, at_other}), ElementsAre(0, 1, 0));
  Graph plain = MakeGraph(3, {{0, 1}, {1, 2}}), ones = plain, end = plain, other_end = plain, middle = plain;
  ones.labels = {1, 1, 1};
  end.labels = {2, 1, 1};
  middle.labels = {1, 2, 1};
  other_end.labels = {1, 1, 2};
  EXPECT_THAT(IsomorphismClasses({plain, ones, end, middle, other_end}), ElementsAre(0, 0, 2, 3, 2));
}

TEST(IsomorphismTest, TakesGraphsWithoutNodesOrEdges) {
  EXPECT_THAT(IsomorphismClasses({}), ElementsAre());
  EXPECT_THAT(IsomorphismClasses({MakeGraph(0, {}), MakeGraph(2, {}), MakeGraph(0, {}), MakeGraph(2, {})}),
              ElementsAre(0, 1, 0, 1));
}

TEST(IsomorphismTest, ComparesComponentsWhateverTheirOrder) {
  const Graph a = MakeGraph(7, {{0, 1}, {2, 3}, {3, 4}, {4, 2}}), b = MakeGraph(7, {{6, 2}, {3, 4}, {4, 5}, {5, 3}}),
              other = MakeGraph(7, {{0, 1}, {2, 3}, {3, 4}, {5, 6}});
  EXPECT_THAT(IsomorphismClasses({a, other, b}), ElementsAre(0, 1, 0));
}

// Rings, one of all nodes or two of half as many: their nodes are all alike, and there are many.
TEST(IsomorphismTest, TakesLargeSparseGraphs) {
  constexpr int32_t kNodes = 20000;
  std::vector<std::pair<int32_t, int32_t>> one, two;
  for (int32_t i = 0; i < kNodes; ++i) {
    one.emplace_back(i, (i + 1) % kNodes);
    two.emplace_back(i, i / (kNodes / 2) * (kNodes / 2) + (i + 1) % (kNodes / 2));
  }
  std::mt19937_64 random(2);
  const Graph ring = MakeGraph(kNodes, one);
  EXPECT_THAT(IsomorphismClasses({ring, MakeGraph(kNodes, two), Shuffled(ring, random)}), ElementsAre(0, 1, 0));
}

}  // namespace
}  // namespace orbit
