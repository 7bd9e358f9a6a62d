// Frames of graphs, tailored networks, and options that are rejected.
#include "models/graph_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "engine/device.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "groups/equivariance.h"
#include "groups/frame.h"
#include "groups/minimal_frame.h"
#include "tests/models/example_data.h"

namespace orbit {
namespace {

TEST(FrameTest, ClassesAreThoseThatTheSpectrumTellsApart) {
  const Features x = ExampleGraphs(DType::kF32);
  const std::vector<int32_t> classes = SpectralClasses(x.edges, x.num_nodes).ToVector<int32_t>();
  const auto of = [&](int64_t graph, int64_t node) { return classes[graph * kExampleNodes + node]; };
  // A path is the same from both ends; all leaves of a star, and all nodes of a cycle, are equivalent.
  EXPECT_EQ(of(0, 0), of(0, 4));
  EXPECT_EQ(of(0, 1), of(0, 3));
  EXPECT_NE(of(0, 0), of(0, 1));
  for (int64_t leaf = 2; leaf < 7; ++leaf) EXPECT_EQ(of(1, leaf), of(1, 1));
  EXPECT_NE(of(1, 0), of(1, 1));
  for (int64_t node = 1; node < 6; ++node) EXPECT_EQ(of(2, node), of(2, 0));
  // Classes are equivariant.
  Generator generator(9);
  const Element h = RandomElement(ParseGroup("Sn"), x, generator);
  const Features hx = Act(h, x);
  const Tensor moved = SpectralClasses(hx.edges, x.num_nodes).To(DType::kF32).Reshape({4, kExampleNodes, 1});
  const Tensor expected =
      Act(h, {Tensor::From(classes, {4, kExampleNodes, 1}).To(DType::kF32), Representation::Scalars(1)}).value();
  EXPECT_EQ(moved.ToVector<float>(), expected.ToVector<float>());
}

// The orders of a minimal frame differ by automorphisms of the graph, and every automorphism is equally frequent.
TEST(MinimalFrameTest, IsTheCanonicalOrderUpToAutomorphisms) {
  const Features x = ExampleGraphs(DType::kF64);
  constexpr int64_t kDraws = 2000;
  Generator generator(11);
  const Tensor noise = generator.Uniform({4, kDraws, kExampleNodes}, 0, 1, DType::kF64);
  const std::vector<int32_t> index = MinimalFrame(x, noise).ToVector<int32_t>();
  const std::vector<int32_t> offsets = x.edges.offsets.ToVector<int32_t>(),
                             sources = x.edges.sources.ToVector<int32_t>(), sizes = x.num_nodes.ToVector<int32_t>();
  const std::vector<double> rows = x.features[0].value.value().ToVector<double>();
  // Labels alternate along the path and the cycle. The path of 5 has a reflection; the star has 3 leaves of each label;
  // the cycle of 6 has 3 rotations and 3 reflections; the last graph's mirror image swaps labels.
  const std::array<size_t, 4> automorphisms = {2, 36, 6, 1};
  for (int64_t g = 0; g < 4; ++g) {
    std::map<std::vector<int32_t>, int64_t> orders;
    std::set<std::vector<double>> graphs;  // as seen in each order
    for (int64_t s = 0; s < kDraws; ++s) {
      const auto begin = index.begin() + (g * kDraws + s) * kExampleNodes;
      ++orders[{begin, begin + sizes[g]}];
      std::vector<double> seen;
      for (int64_t r = 0; r < sizes[g]; ++r) {
        const int64_t node = g * kExampleNodes + begin[r];
        seen.insert(seen.end(), rows.begin() + node * 2, rows.begin() + node * 2 + 2);
        std::vector<double> row(sizes[g], 0.0);
        for (int32_t e = offsets[node]; e < offsets[node + 1]; ++e)
          row[std::find(begin, begin + sizes[g], sources[e]) - begin] = 1;
        seen.insert(seen.end(), row.begin(), row.end());
      }
      graphs.insert(seen);
    }
    EXPECT_EQ(graphs.size(), 1u) << g;
    EXPECT_EQ(orders.size(), automorphisms[g]) << g;
    const double expected = static_cast<double>(kDraws) / static_cast<double>(automorphisms[g]);
    for (const auto& [order, count] : orders)
      EXPECT_NEAR(static_cast<double>(count), expected, 5 * std::sqrt(expected)) << g;
  }
}

// A star's automorphism group has n generators; its chain of stabilisers has n^2 / 2 representatives of n numbers each.
TEST(MinimalFrameTest, TakesTheMemoryOfTheGenerators) {
  constexpr int32_t kLeaves = 700;
  std::vector<Edge> edges;
  for (int32_t leaf = 1; leaf <= kLeaves; ++leaf) {
    edges.push_back({0, leaf});
    edges.push_back({leaf, 0});
  }
  const Features star = MakeGraphFeatures(Tensor::Zeros({1, kLeaves + 1, 1}), MakeEdgeLists(kLeaves + 1, {edges}),
                                          Tensor::From(std::vector<int32_t>{kLeaves + 1}, {1}));
  Generator generator(12);
  const Tensor noise = generator.Uniform({1, 2, kLeaves + 1}, 0, 1);
  const auto peak_mb = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
  };
  const auto before = peak_mb();
  const std::vector<int32_t> index = MinimalFrame(star, noise).ToVector<int32_t>();
  EXPECT_LT(peak_mb() - before, 100);
  const auto second = index.begin() + kLeaves + 1;
  EXPECT_FALSE(std::equal(index.begin(), second, second));
  for (const auto begin : {index.begin(), second}) {
    std::vector<int32_t> order(begin, begin + kLeaves + 1);
    std::sort(order.begin(), order.end());
    for (int32_t i = 0; i <= kLeaves; ++i) ASSERT_EQ(order[i], i);
  }
}

// Networks that need no symmetrization have about 30,000 parameters, and all of them count.
TEST(TailoredGraphNetworkTest, SeesItsInputByAllParameters) {
  for (const std::string& name : TailoredGraphNetworks()) {
    Generator generator(6);
    const auto model = MakeGraphModel(ExampleGraphOptions(name, "learned"), generator);
    EXPECT_FALSE(model->is_sampled());
    EXPECT_NEAR(static_cast<double>(model->NumParameters()), 30000, 2000) << name;
    model->To(DType::kF64);
    const Variable y = (*model)(ExampleGraphs(DType::kF64), 1, generator).output;
    const std::vector<double> outputs = y.value().ToVector<double>();
    EXPECT_GT(std::abs(outputs[0] - outputs[2]), 1e-6) << name << " does not see its input";
    Mean(Square(y)).Backward();
    for (const auto& [parameter, variable] : model->NamedParameters())
      EXPECT_TRUE(variable.grad().defined()) << name << "." << parameter;
  }
}

// The triangular prism and K(3,3) are regular graphs, which message passing cannot tell apart, but they differ in their
// triangles (PPGN).
TEST(TailoredGraphNetworkTest, SeparatesWhatItsTheorySays) {
  const auto undirected = [](std::vector<Edge> edges) {
    for (size_t e = 0, count = edges.size(); e < count; ++e) edges.push_back({edges[e].target, edges[e].source});
    return edges;
  };
  const EdgeLists edges =
      MakeEdgeLists(6, {undirected({{0, 1}, {1, 2}, {2, 0}, {3, 4}, {4, 5}, {5, 3}, {0, 3}, {1, 4}, {2, 5}}),
                        undirected({{0, 3}, {0, 4}, {0, 5}, {1, 3}, {1, 4}, {1, 5}, {2, 3}, {2, 4}, {2, 5}})});
  std::vector<double> nodes;
  for (int i = 0; i < 12; ++i) nodes.insert(nodes.end(), {1.0, 3.0});
  const Features x =
      MakeGraphFeatures(Tensor::From(nodes, {2, 6, 2}), edges, Tensor::From(std::vector<int32_t>{6, 6}, {2}));
  for (const std::string& name : TailoredGraphNetworks()) {
    Generator generator(7);
    GraphModelOptions options = ExampleGraphOptions(name, "learned");
    options.base.head.activation = Activation::kTanh;
    const auto model = MakeGraphModel(options, generator);
    model->To(DType::kF64);
    const std::vector<double> y = (*model)(x, 1, generator).output.value().ToVector<double>();
    if (name == "ppgn") {
      EXPECT_GT(std::abs(y[0] - y[1]), 1e-4);
    } else if (name != "chebnet") {  // it sees the graph's largest eigenvalue
      EXPECT_NEAR(y[0], y[1], 1e-12) << name;
    }
  }
}

// Identifiers are ranks, not n x n matrices of them.
TEST(GinIdTest, MemoryGrowsWithTheNodesAndNotWithTheirPairs) {
  const NoGrad no_grad;
  const auto bytes = [](int64_t n) {
    Generator generator(8);
    GraphModelOptions options = ExampleGraphOptions("gin_id", "learned");
    options.base.n = n;
    const auto model = MakeGraphModel(options, generator);
    model->Eval();
    std::vector<Edge> ring;
    for (int32_t i = 0; i < n; ++i) ring.push_back({i, static_cast<int32_t>((i + 1) % n)});
    const Features x = MakeGraphFeatures(generator.Uniform({2, n, 2}, 0, 1), MakeEdgeLists(n, {ring, ring}),
                                         Tensor::From(std::vector<int32_t>(2, static_cast<int32_t>(n)), {2}));
    ResetPeakMemory(Device{});
    const int64_t before = GetMemoryStatistics(Device{}).bytes_in_use;
    (*model)(x, 5, generator);
    return static_cast<double>(GetMemoryStatistics(Device{}).peak_bytes_in_use - before);
  };
  EXPECT_LT(bytes(1024) / bytes(512), 2.1);
}

TEST(GraphModelOptionsTest, WhatMakesNoSenseIsRefused) {
  Generator generator(0);
  EXPECT_THROW(MakeGraphModel(ExampleGraphOptions("cnn", "learned"), generator), Error);
  EXPECT_THROW(MakeGraphModel(ExampleGraphOptions("mlp", "frames"), generator), Error);
  GraphModelOptions options = ExampleGraphOptions("mlp", "learned");
  options.base.widths.clear();
  EXPECT_THROW(MakeGraphModel(options, generator), Error);
  options = ExampleGraphOptions("mlp", "learned");
  options.base.output_order = 1;  // with one number in all
  EXPECT_THROW(MakeGraphModel(options, generator), Error);
  options = ExampleGraphOptions("gcn", "learned");
  options.base.output_order = 1;
  EXPECT_THROW(MakeGraphModel(options, generator), Error);
}

}  // namespace
}  // namespace orbit
