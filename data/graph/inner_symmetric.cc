#include "data/graph/inner_symmetric.h"

#include <algorithm>
#include <utility>

namespace orbit {
namespace {

using Pairs = std::vector<std::pair<int32_t, int32_t>>;

Graph MakeGraph(int64_t n, const Pairs& pairs) {
  Graph graph{.n = n};
  for (const auto& [a, b] : pairs) {
    graph.edges.push_back({a, b});
    graph.edges.push_back({b, a});
  }
  MergeEdges(graph);
  return graph;
}

constexpr int32_t kCycle = 7, kSide = 5;

Pairs CyclePairs() {
  Pairs pairs;
  for (int32_t i = 0; i < kCycle; ++i) pairs.emplace_back(i, (i + 1) % kCycle);
  return pairs;
}

// Node kSide row + column is joined to its right and lower neighbours.
Pairs GridPairs() {
  Pairs pairs;
  for (int32_t row = 0; row < kSide; ++row)
    for (int32_t column = 0; column < kSide; ++column) {
      const int32_t node = kSide * row + column;
      if (column + 1 < kSide) pairs.emplace_back(node, node + 1);
      if (row + 1 < kSide) pairs.emplace_back(node, node + kSide);
    }
  return pairs;
}

// Rotations and reflections preserve the unordered pair of distances to the two central lines.
std::vector<int32_t> GridOrbits() {
  std::vector<std::pair<int32_t, int32_t>> found;
  std::vector<int32_t> orbits;
  for (int32_t row = 0; row < kSide; ++row)
    for (int32_t column = 0; column < kSide; ++column) {
      const std::pair<int32_t, int32_t> distances =
          std::minmax({std::abs(row - kSide / 2), std::abs(column - kSide / 2)});
      const auto orbit = std::find(found.begin(), found.end(), distances);
      orbits.push_back(static_cast<int32_t>(orbit - found.begin()));
      if (orbit == found.end()) found.push_back(distances);
    }
  return orbits;
}

}  // namespace

std::vector<InnerSymmetricGraph> InnerSymmetricGraphs() {
  return {
      // Paths of one, two and three nodes that start at node 0.
      {"asymmetric",
       "trivial",
       1,
       MakeGraph(7, {{0, 1}, {0, 2}, {2, 3}, {0, 4}, {4, 5}, {5, 6}}),
       {0, 1, 2, 3, 4, 5, 6}},
      {"star", "S6", 720, MakeGraph(7, {{0, 1}, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}}), {0, 1, 1, 1, 1, 1, 1}},
      // The hubs are nodes 0 and 1.
      {"two_hubs",
       "S3 x S2",
       12,
       MakeGraph(7, {{0, 1}, {0, 2}, {0, 3}, {0, 4}, {1, 5}, {1, 6}}),
       {0, 1, 2, 2, 2, 3, 3}},
      {"cycle", "D7", 14, MakeGraph(kCycle, CyclePairs()), std::vector<int32_t>(kCycle, 0)},
      {"grid", "D4", 8, MakeGraph(kSide * kSide, GridPairs()), GridOrbits()},
  };
}

}  // namespace orbit
