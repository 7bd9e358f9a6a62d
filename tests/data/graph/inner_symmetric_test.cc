// The groups and orbits of the inner-symmetric graphs, checked by an exhaustive search for automorphisms.
#include "data/graph/inner_symmetric.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace orbit {
namespace {

using Permutation = std::vector<int32_t>;

// Finds all automorphisms by trying images of nodes 0, 1, ... as long as adjacency is preserved.
std::vector<Permutation> Automorphisms(const Graph& graph) {
  std::vector<std::vector<bool>> adjacent(graph.n, std::vector<bool>(graph.n));
  for (const Edge& edge : graph.edges) adjacent[edge.source][edge.target] = true;
  std::vector<Permutation> found;
  Permutation image;
  std::vector<bool> used(graph.n);
  const std::function<void()> extend = [&] {
    const auto next = static_cast<int32_t>(image.size());
    if (next == graph.n) return found.push_back(image);
    for (int32_t candidate = 0; candidate < graph.n; ++candidate) {
      bool fits = !used[candidate];
      for (int32_t i = 0; fits && i < next; ++i) fits = adjacent[i][next] == adjacent[image[i]][candidate];
      if (!fits) continue;
      used[candidate] = true;
      image.push_back(candidate);
      extend();
      image.pop_back();
      used[candidate] = false;
    }
  };
  extend();
  return found;
}

class InnerSymmetricTest : public testing::TestWithParam<size_t> {};

TEST_P(InnerSymmetricTest, OrbitsAreThoseOfAllAutomorphisms) {
  const InnerSymmetricGraph symmetric = InnerSymmetricGraphs().at(GetParam());
  const Graph& graph = symmetric.graph;
  const std::vector<Permutation> automorphisms = Automorphisms(graph);
  EXPECT_EQ(automorphisms.size(), symmetric.order);
  // Orbits are numbered by their first nodes: the orbit of node i is that of the smallest node that it can be moved to.
  std::vector<int32_t> orbits(graph.n);
  int32_t count = 0;
  for (int32_t i = 0; i < graph.n; ++i) {
    int32_t first = i;
    for (const Permutation& g : automorphisms) first = std::min(first, g[i]);
    orbits[i] = first == i ? count++ : orbits[first];
  }
  EXPECT_EQ(symmetric.orbits, orbits);
}

INSTANTIATE_TEST_SUITE_P(All, InnerSymmetricTest, testing::Range<size_t>(0, 5));

TEST(InnerSymmetricGraphsTest, TheirOrderAndEdges) {
  std::vector<std::string> names;
  std::vector<size_t> nodes, edges;
  for (const InnerSymmetricGraph& symmetric : InnerSymmetricGraphs()) {
    names.push_back(symmetric.name);
    nodes.push_back(symmetric.graph.n);
    edges.push_back(symmetric.graph.edges.size());
  }
  EXPECT_THAT(names, testing::ElementsAre("asymmetric", "star", "two_hubs", "cycle", "grid"));
  EXPECT_THAT(nodes, testing::ElementsAre(7, 7, 7, 7, 25));
  EXPECT_THAT(edges, testing::ElementsAre(12, 12, 12, 14, 80));  // directed
}

}  // namespace
}  // namespace orbit
