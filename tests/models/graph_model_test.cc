// Exact invariance of the graph models: for every base function and distribution, phi(h x, h eps) = phi(x, eps) up to
// rounding, and the same bits whatever the number of threads.
#include "models/graph_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "groups/equivariance.h"
#include "groups/frame.h"
#include "groups/minimal_frame.h"
#include "kernels/parallel.h"

namespace orbit {
namespace {

constexpr int64_t kNodes = 9, kSamples = 3;

// A path, a star, a cycle and a graph without symmetry, of different sizes.
Features Graphs(DType dtype) {
  const auto undirected = [](std::vector<Edge> edges) {
    for (size_t e = 0, count = edges.size(); e < count; ++e) edges.push_back({edges[e].target, edges[e].source});
    return edges;
  };
  const EdgeLists edges = MakeEdgeLists(kNodes, {undirected({{0, 1}, {1, 2}, {2, 3}, {3, 4}}),
                                                 undirected({{0, 1}, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}}),
                                                 undirected({{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 0}}),
                                                 undirected({{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {2, 6}, {3, 6}})});
  const std::vector<int32_t> sizes = {5, 7, 6, 7};
  std::vector<float> nodes(4 * kNodes * 2, 0.0f);
  for (int64_t g = 0; g < 4; ++g)
    for (int64_t i = 0; i < sizes[g]; ++i) {
      nodes[(g * kNodes + i) * 2] = static_cast<float>(i % 2);
      nodes[(g * kNodes + i) * 2 + 1] = static_cast<float>(edges.offsets.ToVector<int32_t>()[g * kNodes + i + 1] -
                                                           edges.offsets.ToVector<int32_t>()[g * kNodes + i]);
    }
  return MakeGraphFeatures(Tensor::From(nodes, {4, kNodes, 2}).To(dtype), edges, Tensor::From(sizes, {4}));
}

GraphModelOptions SmallOptions(const std::string& base, const std::string& distribution) {
  GraphModelOptions options;
  options.base.n = kNodes;
  options.model = base;
  options.distribution = distribution;
  options.base.widths = {24, 16};
  options.base.hidden = 12;
  options.network.hidden = 16;
  return options;
}

double LargestDifference(const Variable& a, const Variable& b) {
  const std::vector<double> x = a.value().ToVector<double>(), y = b.value().ToVector<double>();
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

using Setting = std::tuple<std::string, std::string>;  // base, distribution

class GraphModelTest : public testing::TestWithParam<Setting> {};

TEST_P(GraphModelTest, IsExactlyInvariantJointlyInDataAndNoise) {
  const auto& [base, distribution] = GetParam();
  Generator generator(3);
  const auto model = MakeGraphModel(SmallOptions(base, distribution), generator);
  model->To(DType::kF64);
  model->Eval();
  const Features x = Graphs(DType::kF64);
  const int64_t samples = distribution == "canonical" ? 1 : kSamples;
  for (int trial = 0; trial < 4; ++trial) {
    const Noise noise = model->DrawNoise(x, samples, generator);
    const Element h = RandomElement(ParseGroup("Sn"), x, generator);
    const Features hx = Act(h, x);
    const Noise h_noise = Act(h, model->noise_representation(), noise);
    const Variable y = model->Forward(x, noise, generator).output;
    EXPECT_LT(LargestDifference(model->Forward(hx, h_noise, generator).output, y), 1e-9);
    // Not so without the noise, for the base functions see the order of nodes; but for the minimal frame, all of whose
    // orders turn the graph into the same one.
    const double difference = LargestDifference(model->Forward(hx, noise, generator).output, y);
    EXPECT_EQ(difference > 1e-6, distribution != "minimal_frame") << difference;
  }
}

TEST_P(GraphModelTest, TrainingStepHasTheSameBitsOnAnyNumberOfThreads) {
  const auto& [base, distribution] = GetParam();
  const int before = kernels::NumThreads();
  std::vector<std::vector<float>> gradients;
  for (const int threads : {1, 2, 2}) {
    kernels::SetNumThreads(threads);
    Generator generator(4);
    const auto model = MakeGraphModel(SmallOptions(base, distribution), generator);
    const Features x = Graphs(DType::kF32);
    const auto result =
        model->Forward(x, model->DrawNoise(x, distribution == "canonical" ? 1 : kSamples, generator), generator);
    Variable loss = Mean(Square(result.output));
    if (result.entropy.defined()) loss = Add(loss, result.entropy);
    loss.Backward();
    gradients.emplace_back();
    for (const auto& [name, parameter] : model->NamedParameters()) {
      if (!parameter.grad().defined()) continue;
      const std::vector<float> values = parameter.grad().ToVector<float>();
      gradients.back().insert(gradients.back().end(), values.begin(), values.end());
    }
  }
  kernels::SetNumThreads(before);
  EXPECT_GT(gradients[0].size(), 0u);
  EXPECT_EQ(gradients[0], gradients[1]);
  EXPECT_EQ(gradients[1], gradients[2]);
}

INSTANTIATE_TEST_SUITE_P(All, GraphModelTest,
                         testing::Combine(testing::Values("mlp", "gin_id"),
                                          testing::Values("learned", "haar", "frame", "minimal_frame", "canonical")),
                         [](const auto& info) { return std::get<0>(info.param) + "_" + std::get<1>(info.param); });

TEST(FrameTest, ClassesAreThoseThatTheSpectrumTellsApart) {
  const Features x = Graphs(DType::kF32);
  const std::vector<int32_t> classes = SpectralClasses(x.edges, x.num_nodes).ToVector<int32_t>();
  const auto of = [&](int64_t graph, int64_t node) { return classes[graph * kNodes + node]; };
  // A path reads the same from both ends; the leaves of a star, and the nodes of a cycle, are alike.
  EXPECT_EQ(of(0, 0), of(0, 4));
  EXPECT_EQ(of(0, 1), of(0, 3));
  EXPECT_NE(of(0, 0), of(0, 1));
  for (int64_t leaf = 2; leaf < 7; ++leaf) EXPECT_EQ(of(1, leaf), of(1, 1));
  EXPECT_NE(of(1, 0), of(1, 1));
  for (int64_t node = 1; node < 6; ++node) EXPECT_EQ(of(2, node), of(2, 0));
  // They move with the graph.
  Generator generator(9);
  const Element h = RandomElement(ParseGroup("Sn"), x, generator);
  const Features hx = Act(h, x);
  const Tensor moved = SpectralClasses(hx.edges, x.num_nodes).To(DType::kF32).Reshape({4, kNodes, 1});
  const Tensor expected =
      Act(h, {Tensor::From(classes, {4, kNodes, 1}).To(DType::kF32), Representation::Scalars(1)}).value();
  EXPECT_EQ(moved.ToVector<float>(), expected.ToVector<float>());
}

// Every automorphism of the graph as often as any other, and nothing else: the orders of a minimal frame.
TEST(MinimalFrameTest, IsTheCanonicalOrderUpToAutomorphisms) {
  const Features x = Graphs(DType::kF64);
  constexpr int64_t kDraws = 2000;
  Generator generator(11);
  const Tensor noise = generator.Uniform({4, kDraws, kNodes}, 0, 1, DType::kF64);
  const std::vector<int32_t> index = MinimalFrame(x, noise).ToVector<int32_t>();
  const std::vector<int32_t> offsets = x.edges.offsets.ToVector<int32_t>(),
                             sources = x.edges.sources.ToVector<int32_t>(), sizes = x.num_nodes.ToVector<int32_t>();
  const std::vector<double> rows = x.features[0].value.value().ToVector<double>();
  // Labels alternate along the path and the cycle. The path of 5 has a reflection; the star's 6 leaves are 3 of each
  // label; the cycle of 6 has 3 rotations and 3 reflections; the last graph's mirror image swaps labels.
  const std::array<size_t, 4> automorphisms = {2, 36, 6, 1};
  for (int64_t g = 0; g < 4; ++g) {
    std::map<std::vector<int32_t>, int64_t> orders;
    std::set<std::vector<double>> graphs;  // as seen in each order
    for (int64_t s = 0; s < kDraws; ++s) {
      const auto begin = index.begin() + (g * kDraws + s) * kNodes;
      ++orders[{begin, begin + sizes[g]}];
      std::vector<double> seen;
      for (int64_t r = 0; r < sizes[g]; ++r) {
        const int64_t node = g * kNodes + begin[r];
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

// Networks that need no symmetrization: the same for every numbering of the nodes, with about 30,000 parameters.
TEST(TailoredGraphNetworkTest, IsInvariant) {
  for (const std::string& name : TailoredGraphNetworks()) {
    Generator generator(6);
    const auto model = MakeGraphModel(SmallOptions(name, "learned"), generator);
    EXPECT_NEAR(static_cast<double>(model->NumParameters()), 30000, 2000) << name;
    model->To(DType::kF64);
    const Features x = Graphs(DType::kF64);
    const Element h = RandomElement(ParseGroup("Sn"), x, generator);
    const Variable y = model->Forward(x, {}, generator).output;
    EXPECT_LT(LargestDifference(model->Forward(Act(h, x), {}, generator).output, y), 1e-12) << name;
    const std::vector<double> outputs = y.value().ToVector<double>();
    EXPECT_GT(std::abs(outputs[0] - outputs[2]), 1e-6) << name << " does not see its input";
    EXPECT_THROW(model->DrawNoise(x, 2, generator), Error);
    Mean(Square(y)).Backward();
    for (const auto& [parameter, variable] : model->NamedParameters())
      EXPECT_TRUE(variable.grad().defined()) << name << "." << parameter;
  }
}

// One after another, the triangular prism and K(3,3): regular, and so beyond message passing, but told apart by
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
    GraphModelOptions options = SmallOptions(name, "learned");
    options.base.head.activation = Activation::kTanh;
    const auto model = MakeGraphModel(options, generator);
    model->To(DType::kF64);
    const std::vector<double> y = model->Forward(x, {}, generator).output.value().ToVector<double>();
    if (name == "ppgn") {
      EXPECT_GT(std::abs(y[0] - y[1]), 1e-4);
    } else if (name != "chebnet") {  // which sees the graph's largest eigenvalue
      EXPECT_NEAR(y[0], y[1], 1e-12) << name;
    }
  }
}

TEST(GraphModelOptionsTest, WhatMakesNoSenseIsRefused) {
  Generator generator(0);
  EXPECT_THROW(MakeGraphModel(SmallOptions("cnn", "learned"), generator), Error);
  EXPECT_THROW(MakeGraphModel(SmallOptions("mlp", "frames"), generator), Error);
  GraphModelOptions options = SmallOptions("mlp", "learned");
  options.base.widths.clear();
  EXPECT_THROW(MakeGraphModel(options, generator), Error);
  const auto model = MakeGraphModel(SmallOptions("mlp", "learned"), generator);
  EXPECT_THROW(model->DrawNoise(Graphs(DType::kF32), 0, generator), Error);
}

}  // namespace
}  // namespace orbit
