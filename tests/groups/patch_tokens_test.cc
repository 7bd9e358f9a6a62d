// Tokens of permuted graphs from their edges are those of the convolution of the permuted, padded image, and so are
// their gradients.
#include "groups/ops/patch_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/ops/elementwise.h"
#include "tests/engine/operation_check.h"

namespace orbit {
namespace {

constexpr PadMode kModes[] = {PadMode::kZero, PadMode::kReflect, PadMode::kReplicate, PadMode::kCircular};
constexpr int64_t kBatch = 2, kSamples = 3, kNodes = 7, kWidth = 5;

// Two graphs, of 7 and 5 nodes: edges in one direction and in both, repeated ones, self-loops.
GraphImage Graphs(int64_t edge_channels, int64_t node_channels, DType dtype) {
  Generator generator(1);
  GraphImage graphs{.edges = MakeEdgeLists(kNodes, {{{0, 1}, {1, 0}, {1, 2}, {6, 2}, {3, 3}, {5, 4}, {4, 6}, {0, 6}},
                                                    {{0, 2}, {2, 0}, {1, 1}, {3, 4}, {3, 4}, {4, 0}}}),
                    .num_nodes = Tensor::From(std::vector<int32_t>{7, 5}, {2})};
  if (edge_channels > 0) {
    // Some features are 0, as of one-hot vectors.
    std::vector<float> features = generator.Normal({graphs.edges.edges(), edge_channels}, 0, 1).ToVector<float>();
    for (size_t i = 0; i < features.size(); i += 3) features[i] = 0;
    graphs.edge_features = Tensor::From(features, {graphs.edges.edges(), edge_channels}).To(dtype);
  }
  if (node_channels > 0) {
    graphs.node_features = generator.Normal({kBatch, kNodes, node_channels}, 0, 1).To(dtype);
    graphs.node_features.Rows(1, 2).Reshape({kNodes, node_channels}).Rows(5, 7).Zero();
  }
  return graphs;
}

// The permutation of random scores; its soft part is a leaf.
Permutation RandomPermutation(const GraphImage& graphs) {
  Generator generator(2);
  Permutation p = SoftSort(Variable(generator.Normal({kBatch, kSamples, kNodes}, 0, 1, DType::kF64), true),
                           graphs.num_nodes, {.tau = 0.3});
  p.soft = Variable(p.soft.value(), true);
  return p;
}

int64_t Channels(const GraphImage& graphs) {
  return (graphs.edge_features.defined() ? graphs.edge_features.dim(1) : 1) +
         (graphs.node_features.defined() ? graphs.node_features.dim(2) : 0);
}

// The element of an axis of n at place i, which may be outside; -1 for zero.
int64_t Source(PadMode mode, int64_t n, int64_t i) {
  switch (mode) {
    case PadMode::kZero:
      return i < 0 || i >= n ? -1 : i;
    case PadMode::kReflect:
      return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
    case PadMode::kReplicate:
      return std::clamp<int64_t>(i, 0, n - 1);
    case PadMode::kCircular:
      return (i + n) % n;
  }
  return -1;
}

// The definition, pixel by pixel.
std::vector<double> Convolve(const Permutation& p, const GraphImage& graphs, const Tensor& weight, const Tensor& bias,
                             const PatchGrid& grid) {
  const int64_t channels = Channels(graphs), tokens = grid.grid * grid.grid;
  const std::vector<double> image = DenseImage(graphs, DType::kF64).ToVector<double>(), w = weight.ToVector<double>(),
                            b = bias.ToVector<double>();
  const std::vector<int32_t> index = p.index.ToVector<int32_t>();
  std::vector<double> y;
  for (int64_t row = 0; row < kBatch * kSamples; ++row)
    for (int64_t token = 0; token < tokens; ++token)
      for (int64_t o = 0; o < kWidth; ++o) {
        double sum = b[o];
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t dy = 0; dy < grid.patch; ++dy)
            for (int64_t dx = 0; dx < grid.patch; ++dx) {
              const int64_t r = Source(grid.padding, kNodes, token / grid.grid * grid.patch + dy - grid.before());
              const int64_t q = Source(grid.padding, kNodes, token % grid.grid * grid.patch + dx - grid.before());
              if (r < 0 || q < 0) continue;
              const int64_t i = index[row * kNodes + r], j = index[row * kNodes + q];
              sum += image[((row / kSamples * kNodes + i) * kNodes + j) * channels + c] *
                     w[((o * channels + c) * grid.patch + dy) * grid.patch + dx];
            }
        y.push_back(sum);
      }
  return y;
}

void ExpectNear(const std::vector<double>& expected, const Tensor& actual, const char* what) {
  const std::vector<double> values = actual.ToVector<double>();
  ASSERT_EQ(values.size(), expected.size()) << what;
  for (size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(values[i], expected[i], 1e-12) << what << " " << i;
}

void CompareWithDense(const GraphImage& graphs, const PatchGrid& grid) {
  SCOPED_TRACE(std::string(NameOf(grid.padding)) + (grid.centered ? ", centred" : "") + ", patches of " +
               std::to_string(grid.patch));
  Generator generator(3);
  const Variable weight(generator.Normal({kWidth, Channels(graphs), grid.patch, grid.patch}, 0, 1, DType::kF64), true);
  const Variable bias(generator.Normal({kWidth}, 0, 1, DType::kF64), true);
  const Permutation hard = RandomPermutation(graphs);
  const Variable tokens = PatchTokens(hard, graphs, weight, bias, grid);
  ASSERT_EQ(tokens.shape(), (Shape{kBatch, kSamples, grid.grid * grid.grid, kWidth}));
  ExpectNear(Convolve(hard, graphs, weight.value(), bias.value(), grid), tokens.value(), "tokens");

  const Tensor dy = generator.Normal(tokens.shape(), 0, 1, DType::kF64);
  tokens.Backward(dy);
  const Tensor dweight = weight.grad(), dbias = bias.grad(), dsoft = hard.soft.grad();
  weight.ZeroGrad();
  bias.ZeroGrad();
  // A soft permutation with the hard values goes through the image.
  const Permutation dense{hard.index, Variable(ToMatrix({hard.index, {}, true}, {}, DType::kF64).value(), true), false};
  const Variable product = PatchTokens(dense, graphs, weight, bias, grid);
  ExpectNear(product.value().ToVector<double>(), tokens.value(), "tokens by the image");
  product.Backward(dy);
  ExpectNear(weight.grad().ToVector<double>(), dweight, "dweight");
  ExpectNear(bias.grad().ToVector<double>(), dbias, "dbias");
  // Only a graph's own nodes and ranks take part in the straight-through gradient.
  std::vector<double> expected = dense.soft.grad().ToVector<double>();
  const std::vector<int32_t> sizes = graphs.num_nodes.ToVector<int32_t>();
  constexpr int64_t kPairs = kNodes * kNodes;
  for (int64_t i = 0; i < static_cast<int64_t>(expected.size()); ++i)
    if (const int64_t size = sizes[i / (kSamples * kPairs)]; i / kNodes % kNodes >= size || i % kNodes >= size)
      expected[i] = 0;
  ExpectNear(expected, dsoft, "dsoft");
}

TEST(PatchTokensTest, AreTheConvolutionOfThePaddedImage) {
  for (const PadMode padding : kModes)
    for (const bool centered : {false, true}) {
      CompareWithDense(Graphs(0, 0, DType::kF64), {kNodes, 3, 3, padding, centered});
      CompareWithDense(Graphs(3, 2, DType::kF64), {kNodes, 5, 2, padding, centered});
    }
}

TEST(PatchTokensTest, WithoutPaddingOrInOnePatch) {
  for (const PadMode padding : kModes) {
    CompareWithDense(Graphs(2, 0, DType::kF64), {kNodes, 1, 7, padding, true});
    CompareWithDense(Graphs(0, 3, DType::kF64), {kNodes, 11, 1, padding, true});
    CompareWithDense(Graphs(0, 1, DType::kF64), {kNodes, 7, 1, padding, false});
  }
}

TEST(PatchTokensTest, GraphsWithoutEdgesOrRows) {
  GraphImage graphs = Graphs(0, 2, DType::kF64);
  graphs.edges = MakeEdgeLists(kNodes, {{}, {}});
  CompareWithDense(graphs, {kNodes, 4, 2, PadMode::kReflect, true});
  const GraphImage none{.edges = MakeEdgeLists(kNodes, {})};
  const Permutation p{Tensor::Empty({0, 1, kNodes}, DType::kI32), {}, true};
  EXPECT_EQ(PatchTokens(p, none, Tensor::Zeros({5, 1, 4, 4}), Tensor::Zeros({5}), {kNodes, 4, 2}).shape(),
            (Shape{0, 1, 4, 5}));
}

using Inputs = std::vector<Variable>;

std::vector<OperationCase> Cases() {
  const PatchGrid grid{kNodes, 3, 3, PadMode::kReflect, true};
  // Finite differences see the gradient of a soft permutation; that of a hard one is not the value's.
  const auto tokens = [grid](const Inputs& x, const Permutation& p) {
    return PatchTokens(p, Graphs(2, 1, x[0].dtype()), x[1], x[2], grid);
  };
  const std::vector<Input> inputs = {{{kBatch, kSamples, kNodes}}, {{kWidth, 3, 3, 3}}, {{kWidth}}};
  std::vector<Input> constant_scores = inputs;
  constant_scores[0].constant = true;
  const Tensor counts = Tensor::From(std::vector<int32_t>{7, 5}, {2});
  return {
      {"Soft", inputs, [=](const Inputs& x) { return tokens(x, SoftSort(x[0], counts, {.tau = 0.3, .hard = false})); }},
      {"Hard", constant_scores, [=](const Inputs& x) { return tokens(x, Sort(x[0].value(), counts)); }},
      {"StraightThrough", inputs, [=](const Inputs& x) { return tokens(x, SoftSort(x[0], counts, {.tau = 0.3})); }}};
}

class PatchTokensOperationTest : public testing::TestWithParam<OperationCase> {};
TEST_P(PatchTokensOperationTest, GradientsAreThoseOfFiniteDifferences) {
  if (GetParam().name != "StraightThrough") CheckGradients(GetParam());
}
TEST_P(PatchTokensOperationTest, SinglePrecisionAgreesWithDouble) { CheckSinglePrecision(GetParam(), 1e-4); }
TEST_P(PatchTokensOperationTest, ThreadsDoNotChangeABit) { CheckThreads(GetParam()); }
INSTANTIATE_TEST_SUITE_P(All, PatchTokensOperationTest, testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

TEST(PatchTokensTest, WhatDoesNotFitIsRefused) {
  const GraphImage graphs = Graphs(0, 0, DType::kF64);
  const Permutation p = RandomPermutation(graphs);
  const auto weight = [](int64_t channels, int64_t patch) {
    return Tensor::Zeros({kWidth, channels, patch, patch}, DType::kF64);
  };
  const Tensor bias = Tensor::Zeros({kWidth}, DType::kF64);
  EXPECT_NO_THROW(PatchTokens(p, graphs, weight(1, 3), bias, {kNodes, 3, 3}));
  EXPECT_THROW(PatchTokens(p, graphs, weight(2, 3), bias, {kNodes, 3, 3}), Error);
  EXPECT_THROW(PatchTokens(p, graphs, weight(1, 4), bias, {kNodes, 3, 3}), Error);
  EXPECT_THROW(PatchTokens(p, graphs, weight(1, 3), bias, {kNodes, 3, 2}), Error);
  EXPECT_THROW(PatchTokens(p, graphs, weight(1, 3), bias, {6, 3, 3}), Error);
  EXPECT_THROW(PatchTokens(p, graphs, weight(1, 15), bias, {kNodes, 15, 1, PadMode::kReflect}), Error);
  GraphImage wrong = graphs;
  wrong.edge_features = Tensor::Zeros({3, 1}, DType::kF64);
  EXPECT_THROW(PatchTokens(p, wrong, weight(1, 3), bias, {kNodes, 3, 3}), Error);
  wrong.edge_features = Tensor::Zeros({graphs.edges.edges(), 1});
  EXPECT_THROW(PatchTokens(p, wrong, weight(1, 3), bias, {kNodes, 3, 3}), Error);
}

}  // namespace
}  // namespace orbit
