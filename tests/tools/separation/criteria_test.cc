// The sound criterion tells no graph from itself, names isomorphic pairs, and tells apart what a model does.
#include "tools/separation/criteria.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/graph/isomorphism.h"

namespace orbit {
namespace {

using testing::ElementsAre;
using testing::Pair;

Graph Ring(const std::vector<std::vector<int32_t>>& cycles) {
  Graph graph;
  for (const std::vector<int32_t>& cycle : cycles)
    for (size_t i = 0; i < cycle.size(); ++i) {
      graph.edges.push_back({cycle[i], cycle[(i + 1) % cycle.size()]});
      graph.edges.push_back({cycle[(i + 1) % cycle.size()], cycle[i]});
      ++graph.n;
    }
  MergeEdges(graph);
  return graph;
}

// A hexagon, two triangles, which message passing takes for the same, and each of them again.
std::vector<Graph> Rings() {
  return {Ring({{0, 1, 2, 3, 4, 5}}), Ring({{0, 1, 2}, {3, 4, 5}}), Ring({{0, 2, 4, 1, 3, 5}}),
          Ring({{5, 1, 2}, {3, 4, 0}})};
}

SeparationOptions Options(const std::string& model, const std::string& distribution) {
  SeparationOptions options;
  options.model.model = model;
  options.model.distribution = distribution;
  options.model.base.n = 6;
  options.model.base.node_features = false;
  options.model.base.widths = {32, 16};
  options.model.base.head.outputs = 0;
  options.model.base.head.activation = Activation::kTanh;
  options.seeds = 3;
  return options;
}

class CriteriaTest : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(CriteriaTest, TellsNoGraphFromItself) {
  const auto& [model, distribution] = GetParam();
  const Separation separation = SeparateSoundly(Rings(), Options(model, distribution));
  EXPECT_EQ(separation.total, 6);
  EXPECT_EQ(separation.isomorphic, 2);
  EXPECT_THAT(separation.first_isomorphic, ElementsAre(Pair(0, 2), Pair(1, 3)));
  EXPECT_EQ(separation.controls, 4);
  if (distribution != "canonical") {
    EXPECT_EQ(separation.controls_apart, 0);
  }
  // All but message passing tell the rest apart.
  EXPECT_EQ(separation.left, model == "gin" ? 6 : 2);
}

INSTANTIATE_TEST_SUITE_P(All, CriteriaTest,
                         testing::Values(std::tuple("gin", "learned"), std::tuple("mlp", "learned"),
                                         std::tuple("mlp", "haar"), std::tuple("mlp", "frame"),
                                         std::tuple("mlp", "minimal_frame"), std::tuple("mlp", "canonical"),
                                         std::tuple("gin_id", "minimal_frame")),
                         [](const auto& info) { return std::get<0>(info.param) + "_" + std::get<1>(info.param); });

TEST(CriteriaTest, ThePublishedOneTellsGraphsFromThemselves) {
  SeparationOptions options = Options("mlp", "haar");
  EXPECT_EQ(SeparateAsPublished(Rings(), options).left, 0);
  options = Options("mlp", "minimal_frame");
  const Separation separation = SeparateAsPublished(Rings(), options);
  EXPECT_EQ(separation.left, 2);
  EXPECT_THAT(separation.first_undecided, ElementsAre(Pair(0, 2), Pair(1, 3)));
}

TEST(CriteriaTest, LeavesUndecidedWhatTheTimeDoesNotDecide) {
  SeparationOptions options = Options("mlp", "haar");
  options.seconds = 1e-9;
  const Separation separation = SeparateSoundly(Rings(), options);
  EXPECT_EQ(separation.rounds, 1);
  EXPECT_EQ(separation.left, 6);
  EXPECT_EQ(separation.samples, 10);
}

TEST(CriteriaTest, ComparesThePairsOfADataSetInPairs) {
  SeparationOptions options = Options("mlp", "minimal_frame");
  options.in_pairs = true;
  const Separation separation = SeparateSoundly(Rings(), options);
  EXPECT_EQ(separation.total, 2);
  EXPECT_EQ(separation.isomorphic, 0);
  EXPECT_EQ(separation.left, 0);
}

// Labels that overflow within the equivariant network, whose scores are then no order of the nodes: the hexagon would
// be told from itself.
TEST(CriteriaTest, RefusesScoresThatAreNotFinite) {
  std::vector<Graph> graphs = Rings();
  graphs[2].labels = {3e38f, -3e38f, 3e38f, -3e38f, 3e38f, -3e38f};
  for (const auto& separate : {SeparateSoundly, SeparateAsPublished})
    EXPECT_THAT([&] { separate(graphs, Options("mlp", "learned")); },
                testing::ThrowsMessage<Error>(
                    testing::HasSubstr("the equivariant network q gives the nodes of graph 2 are not finite")));
}

}  // namespace
}  // namespace orbit
