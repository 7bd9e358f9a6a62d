// The actions of permutations, rotations and translations, and gradients through them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "engine/ops/diagonal.h"
#include "engine/ops/linear.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/equivariance.h"
#include "groups/ops/mean_action.h"
#include "groups/ops/permuted_linear.h"
#include "groups/ops/rotation.h"
#include "groups/symmetrizer.h"
#include "tests/engine/operation_check.h"

namespace orbit {
namespace {

double LargestDifference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  const std::vector<double> x = a.ToVector<double>(), y = b.ToVector<double>();
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

TEST(HaarTest, IsUniformOnPermutations) {
  Generator generator(13);
  const int64_t count = 24000;
  const Features x{
      .features = {{Tensor::Zeros({count, 4, 1}), Representation::Scalars(1)}}, .num_nodes = {}, .edges = {}};
  const auto haar = MakeDistribution("haar", {.group = ParseGroup("Sn")});
  const std::vector<int32_t> index =
      haar->Sample(x, haar->DrawNoise(x, 1, generator), generator).permutation->index.ToVector<int32_t>();
  std::map<std::vector<int32_t>, int> counts;
  for (int64_t e = 0; e < count; ++e) ++counts[{index.begin() + 4 * e, index.begin() + 4 * e + 4}];
  ASSERT_EQ(counts.size(), 24u);
  double chi_square = 0;
  for (const auto& [permutation, times] : counts) chi_square += (times - 1000.0) * (times - 1000.0) / 1000;
  EXPECT_LT(chi_square, 49.7);  // 23 degrees of freedom, 0.1 %
}

// Every representation under S_n x E(3).
TEST(ActionTest, InverseUndoesTheAction) {
  Generator generator(14);
  const Tensor clouds = generator.Normal({2, 5, 3, 2}, 0, 1, DType::kF64);
  const Features x{.features = {{clouds, Representation::Vectors(1, /*points=*/1)}}, .num_nodes = {}, .edges = {}};
  const Element h = RandomElement(ParseGroup("SnxE3"), x, generator);
  for (const auto& [representation, shape] :
       std::vector<std::pair<Representation, Shape>>{{Representation::Invariant(), {2, 4}},
                                                     {Representation::Scalars(1), {2, 5, 3}},
                                                     {Representation::Scalars(2), {2, 5, 5, 2}},
                                                     {Representation::Vectors(0), {2, 3, 2}},
                                                     {Representation::Vectors(1), {2, 5, 3, 4}},
                                                     {Representation::Vectors(1, 2), {2, 5, 3, 2}},
                                                     {Representation::Vectors(2), {2, 5, 5, 3, 1}}}) {
    const Feature feature{generator.Normal(shape, 0, 1, DType::kF64), representation};
    const Variable moved = Act(h, feature);
    const Tensor back = Reshape(h.ActInverse(representation, moved, 1), shape).value();
    EXPECT_LT(LargestDifference(back, feature.value.value()), 1e-12) << ToString(shape);
    const bool moves = representation.order > 0 || representation.vector;
    EXPECT_EQ(LargestDifference(moved.value(), feature.value.value()) > 0.1, moves) << ToString(shape);
  }
}

// Translations are taken out by the centre of the graph's own nodes, whatever its padding holds.
TEST(ActionTest, PaddingDoesNotMoveTheCentre) {
  Generator generator(18);
  const auto haar = MakeDistribution("haar", {.group = ParseGroup("SE3")});
  const Tensor small = generator.Normal({1, 3, 3, 2}, 0, 1, DType::kF64);
  const auto centre = [&](const Tensor& points, const Tensor& num_nodes) {
    const Features x{
        .features = {{points, Representation::Vectors(1, /*points=*/1)}}, .num_nodes = num_nodes, .edges = {}};
    return haar->Sample(x, haar->DrawNoise(x, 1, generator), generator).translation.value();
  };
  const Tensor padded = Concat({small, generator.Normal({1, 2, 3, 2}, 9, 1, DType::kF64)}, 1).value();
  EXPECT_LT(LargestDifference(centre(small, {}), centre(padded, Tensor::From(std::vector<int32_t>{3}, {1}))), 1e-12);
}

TEST(ActionTest, PermutationsRenumberNodesAndPairs) {
  const Permutation p{Tensor::From(std::vector<int32_t>{2, 0, 1}, {1, 1, 3}), {}, true};
  const Tensor nodes = Tensor::From(std::vector<double>{10, 11, 12}, {1, 3, 1});
  EXPECT_THAT(ActInverse(p, 1, nodes).value().ToVector<double>(), testing::ElementsAre(12, 10, 11));
  EXPECT_THAT(Act(p, 1, nodes.Reshape({1, 1, 3, 1})).value().ToVector<double>(), testing::ElementsAre(11, 12, 10));
  const Tensor pairs = Tensor::From(std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8}, {1, 3, 3, 1});
  EXPECT_THAT(ActInverse(p, 2, pairs).value().ToVector<double>(), testing::ElementsAre(8, 6, 7, 2, 0, 1, 5, 3, 4));
  EXPECT_THAT(Ranks(p).ToVector<int32_t>(), testing::ElementsAre(1, 2, 0));
  EXPECT_THAT(ToMatrix(p, {}, DType::kF64).value().ToVector<double>(), testing::ElementsAre(0, 1, 0, 0, 0, 1, 1, 0, 0));
  EXPECT_THAT(ToMatrix(p, Tensor::From(std::vector<int32_t>{2}, {1}), DType::kF64).value().ToVector<double>(),
              testing::ElementsAre(0, 1, 0, 0, 0, 1, 0, 0, 0));
}

// The features of edges are those of the pair of nodes that an edge joins, wherever it stands among the edges.
TEST(ActionTest, EdgesTakeTheirFeaturesAlong) {
  Generator generator(19);
  const EdgeLists edges = MakeEdgeLists(5, {{{0, 1}, {1, 0}, {3, 1}, {4, 4}, {2, 3}}, {{1, 2}, {0, 4}, {3, 0}}});
  const Features x{.features = {{generator.Normal({2, 5, 1}, 0, 1), Representation::Scalars(1)}},
                   .edges = edges,
                   .edge_features = generator.Normal({edges.edges(), 2}, 0, 1, DType::kF64)};
  const auto image = [](const Features& graphs) {  // [graph, source, target, channel]
    const std::vector<int32_t> offsets = graphs.edges.offsets.ToVector<int32_t>(),
                               sources = graphs.edges.sources.ToVector<int32_t>();
    const std::vector<double> values = graphs.edge_features.ToVector<double>();
    std::vector<double> pixels(2 * 5 * 5 * 2, 0.0);
    for (int64_t node = 0; node < 10; ++node)
      for (int32_t e = offsets[node]; e < offsets[node + 1]; ++e)
        for (int64_t c = 0; c < 2; ++c)
          pixels[((node / 5 * 5 + sources[e]) * 5 + node % 5) * 2 + c] += values[e * 2 + c];
    return Feature{Tensor::From(pixels, {2, 5, 5, 2}), Representation::Scalars(2)};
  };
  const Element h = RandomElement(ParseGroup("Sn"), x, generator);
  const Feature moved = image(Act(h, x));
  EXPECT_EQ(LargestDifference(moved.value.value(), Act(h, image(x)).value()), 0);
  EXPECT_GT(LargestDifference(moved.value.value(), image(x).value.value()), 0.1);
}

TEST(ActionTest, WhatDoesNotFitIsRefused) {
  const Permutation p{Tensor::From(std::vector<int32_t>{0, 1}, {1, 1, 2}), {}, true};
  EXPECT_THROW(ActInverse(p, 1, Tensor::Zeros({1, 3, 1})), Error);
  EXPECT_THROW(ActInverse(p, 3, Tensor::Zeros({1, 2, 1})), Error);
  EXPECT_THROW(SoftSort(Tensor::Zeros({1, 2}), {}, {}), Error);
  EXPECT_THROW(MakeDistribution("learned", {.group = ParseGroup("Sn")}), Error);
  EXPECT_THROW(MakeDistribution("frames", {.group = ParseGroup("Sn")}), Error);
}

using Inputs = std::vector<Variable>;

Permutation SortSoftly(const Variable& scores, bool hard) {
  const Tensor counts = Tensor::From(std::vector<int32_t>{4, 3}, {2});
  return SoftSort(scores, counts, {.tau = 0.3, .iterations = 20, .hard = hard});
}

EdgeLists TwoGraphs() { return MakeEdgeLists(4, {{{0, 1}, {1, 0}, {1, 2}, {2, 1}, {3, 2}}, {{0, 2}, {2, 0}, {1, 1}}}); }

// With a soft permutation everything is smooth, so finite differences check all of it; hard permutations differ only in
// the value.
std::vector<OperationCase> Cases() {
  return {
      {"SoftSort", {{{2, 3, 4}}}, [](const Inputs& x) { return SortSoftly(x[0], false).soft; }},
      {"PermutationEntropy",
       {{{2, 3, 4}}},
       [](const Inputs& x) {
         return PermutationEntropy(SortSoftly(x[0], false), Tensor::From(std::vector<int32_t>{4, 3}, {2}));
       }},
      {"SoftActInverse1",
       {{{2, 3, 4}}, {{2, 4, 2}}},
       [](const Inputs& x) { return ActInverse(SortSoftly(x[0], false), 1, x[1]); }},
      {"SoftActInverse2",
       {{{2, 3, 4}}, {{2, 4, 4, 2}}},
       [](const Inputs& x) { return ActInverse(SortSoftly(x[0], false), 2, x[1]); }},
      {"SoftAct1",
       {{{2, 3, 4}}, {{2, 3, 4, 2}}},
       [](const Inputs& x) { return Act(SortSoftly(x[0], false), 1, x[1]); }},
      {"SoftAct2",
       {{{2, 3, 4}}, {{2, 3, 4, 4, 2}}},
       [](const Inputs& x) { return Act(SortSoftly(x[0], false), 2, x[1]); }},
      {"SoftActOnDiagonal",
       {{{2, 3, 4}}, {{2, 3, 4, 4, 2}}},
       [](const Inputs& x) { return ActOnDiagonal(SortSoftly(x[0], false), x[1]); }},
      {"SoftEmbedRanks",
       {{{2, 3, 4}}, {{4, 3}}},
       [](const Inputs& x) { return EmbedRanks(SortSoftly(x[0], false), x[1]); }},
      {"SoftPermutedLinear",
       {{{2, 3, 4}}, {{5, 4 * 2 + 16}}, {{5}}},
       [](const Inputs& x) {
         Generator generator(3);
         const Tensor nodes = generator.Normal({2, 4, 2}, 0, 1, DType::kF32).To(x[0].dtype());
         return PermutedLinear(SortSoftly(x[0], false), nodes, TwoGraphs(), x[1], x[2]);
       }},
      {"GramSchmidt", {{{2, 3, 3, 3}}}, [](const Inputs& x) { return GramSchmidt(x[0], false); }},
      {"GramSchmidtSpecial", {{{2, 3, 3, 3}}}, [](const Inputs& x) { return GramSchmidt(x[0], true); }},
      {"Rotate", {{{2, 3, 3, 3}}, {{2, 3, 4, 3, 2}}}, [](const Inputs& x) { return Rotate(x[0], x[1]); }},
      {"MeanAction",
       {{{2, 3, 3, 3}}, {{2, 3, 4, 3, 2}}},
       [](const Inputs& x) {
         const Permutation p{
             Tensor::From(std::vector<int32_t>{1, 0, 2, 3, 3, 2, 1, 0, 0, 1, 2, 3, 0, 2, 3, 1, 2, 3, 1, 0, 1, 3, 0, 2},
                          {2, 3, 4}),
             {},
             true};
         return MeanAction(&p, x[0], x[1]);
       }},
      {"RotateTransposed",
       {{{2, 3, 3, 3}}, {{2, 4, 3, 2}}},
       [](const Inputs& x) { return RotateTransposed(x[0], x[1]); }},
  };
}

// The mean in one pass equals the mean of the transformed samples, and so do its gradients.
TEST(MeanActionTest, IsTheMeanOfActions) {
  Generator generator(17);
  const Tensor clouds = generator.Normal({2, 5, 3, 2}, 0, 1, DType::kF64);
  const Features x{.features = {{clouds, Representation::Vectors(1, /*points=*/1)}}, .num_nodes = {}, .edges = {}};
  Element h = RandomElement(ParseGroup("SnxE3"), x, generator);
  const auto leaf = [&](const Shape& shape) { return Variable(generator.Normal(shape, 0, 1, DType::kF64), true); };
  h.permutation = SoftSort(leaf({2, 3, 5}), {}, {.tau = 0.3});
  h.permutation->soft = Variable(h.permutation->soft.value(), true);
  h.matrix = leaf({2, 3, 3, 3});
  Element soft = h, fixed = h, rigid = h;
  soft.permutation->hard = false;
  fixed.permutation.reset();
  rigid.matrix = {};
  for (const auto& [representation, shape] :
       std::vector<std::pair<Representation, Shape>>{{Representation::Invariant(), {2, 3, 4}},
                                                     {Representation::Scalars(1), {2, 3, 5, 2}},
                                                     {Representation::Scalars(2), {2, 3, 5, 5, 2}},
                                                     {Representation::Vectors(0), {2, 3, 3, 2}},
                                                     {Representation::Vectors(1), {2, 3, 5, 3, 4}},
                                                     {Representation::Vectors(1, 2), {2, 3, 5, 3, 2}},
                                                     {Representation::Vectors(2), {2, 3, 5, 5, 3, 1}}})
    for (const Element* element : {&h, &soft, &fixed, &rigid}) {
      SCOPED_TRACE(ToString(shape));
      const Variable y = leaf(shape);
      const Variable one_pass = element->MeanAct(representation, y),
                     expected = Mean(element->Act(representation, y), {1});
      EXPECT_LT(LargestDifference(one_pass.value(), expected.value()), 1e-12);
      const Tensor gradient = generator.Normal(expected.shape(), 0, 1, DType::kF64);
      const std::vector<Variable> inputs = {y, h.permutation->soft, h.matrix};
      const auto gradients = [&](const Variable& result) {
        for (const Variable& input : inputs) input.ZeroGrad();
        result.Backward(gradient);
        std::vector<Tensor> all;
        for (const Variable& input : inputs) all.push_back(input.grad());
        return all;
      };
      const std::vector<Tensor> actual = gradients(one_pass), wanted = gradients(expected);
      for (size_t i = 0; i < inputs.size(); ++i) {
        ASSERT_EQ(actual[i].defined(), wanted[i].defined()) << i;
        if (wanted[i].defined()) {
          EXPECT_LT(LargestDifference(actual[i], wanted[i]), 1e-12) << i;
        }
      }
    }
}

class GroupOperationTest : public testing::TestWithParam<OperationCase> {};
TEST_P(GroupOperationTest, GradientsAreThoseOfFiniteDifferences) { CheckGradients(GetParam()); }
TEST_P(GroupOperationTest, SinglePrecisionAgreesWithDouble) { CheckSinglePrecision(GetParam(), 1e-4); }
TEST_P(GroupOperationTest, ThreadsDoNotChangeABit) { CheckThreads(GetParam()); }
INSTANTIATE_TEST_SUITE_P(All, GroupOperationTest, testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

TEST(PermutedLinearTest, OnlyReadsItsParameters) {
  CheckInputsAreOnlyRead({"PermutedLinear", {{{5, 4 * 2 + 16}}, {{5}}}, [](const Inputs& x) {
                            Generator generator(3);
                            const Tensor scores = generator.Normal({2, 3, 4}, 0, 1, DType::kF32),
                                         nodes = generator.Normal({2, 4, 2}, 0, 1, DType::kF32);
                            const Permutation hard = SoftSort(Variable(scores, true), {}, {.tau = 0.3});
                            return PermutedLinear(hard, nodes, TwoGraphs(), x[0], x[1]);
                          }});
}

// The straight-through gradient must be the gradient that dense matrices with the hard values get.
void CompareWithDenseProducts(const EdgeLists& edges, const std::vector<int32_t>& num_nodes = {4, 4}) {
  Generator generator(15);
  const Tensor scores = generator.Normal({2, 3, 4}, 0, 1, DType::kF64),
               nodes = generator.Normal({2, 4, 2}, 0, 1, DType::kF64);
  const Tensor counts = Tensor::From(num_nodes, {2});
  const Variable weight(generator.Normal({5, 24}, 0, 1, DType::kF64), true);
  const Variable bias(generator.Normal({5}, 0, 1, DType::kF64), true);
  const Tensor dy = generator.Normal({2, 3, 5}, 0, 1, DType::kF64);

  Permutation hard = SoftSort(Variable(scores, true), counts, {.tau = 0.3});
  hard.soft = Variable(hard.soft.value(), true);
  const Variable sparse = PermutedLinear(hard, nodes, edges, weight, bias, counts);
  sparse.Backward(dy);
  const Tensor dweight = weight.grad(), dsoft = hard.soft.grad();

  weight.ZeroGrad();
  const Permutation dense{hard.index, Variable(ToMatrix({hard.index, {}, true}, {}, DType::kF64).value(), true), false};
  const Variable product = PermutedLinear(dense, nodes, edges, weight, bias);
  product.Backward(dy);
  EXPECT_LT(LargestDifference(sparse.value(), product.value()), 1e-12);
  EXPECT_LT(LargestDifference(dweight, weight.grad()), 1e-12);
  // For a graph with fewer than n nodes, only its own nodes and ranks get a gradient.
  std::vector<double> expected = dense.soft.grad().ToVector<double>();
  for (size_t i = 0; i < expected.size(); ++i) {
    const int32_t size = num_nodes[i / 48];
    if (static_cast<int32_t>(i / 4 % 4) >= size || static_cast<int32_t>(i % 4) >= size) expected[i] = 0;
  }
  EXPECT_LT(LargestDifference(dsoft, Tensor::From(expected, dsoft.shape())), 1e-12);
}

TEST(StraightThroughTest, EqualsTheDenseProductsAtTheHardPermutation) { CompareWithDenseProducts(TwoGraphs()); }

// Only the diagonal is computed, but in its gradient the permutation meets all pairs.
TEST(StraightThroughTest, TheDiagonalIsThatOfTheDenseProducts) {
  Generator generator(20);
  Permutation p = SoftSort(Variable(generator.Normal({2, 3, 5}, 0, 1, DType::kF64), true), {}, {.tau = 0.3});
  p.soft = Variable(p.soft.value(), true);
  const Variable x(generator.Normal({2, 3, 5, 5, 2}, 0, 1, DType::kF64), true);
  const Tensor dy = generator.Normal({2, 3, 5, 2}, 0, 1, DType::kF64);
  const auto run = [&](const Variable& y) {
    x.ZeroGrad();
    p.soft.ZeroGrad();
    Reshape(y, {2, 3, 5, 2}).Backward(dy);
    return std::vector<Tensor>{y.value().Reshape({2, 3, 5, 2}), x.grad(), p.soft.grad()};
  };
  const auto expected = run(Diagonal(Reshape(Act(p, 2, x), {6, 5, 5, 2}))), actual = run(ActOnDiagonal(p, x));
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_LT(LargestDifference(expected[i], actual[i]), 1e-12) << i;
  EXPECT_THROW(ActOnDiagonal(p, Tensor::Zeros({2, 3, 5, 4, 2}, DType::kF64)), Error);
}

TEST(StraightThroughTest, EmbeddedRanksAreOneHotOnesTimesTheTable) {
  Generator generator(18);
  Permutation p = SoftSort(Variable(generator.Normal({2, 3, 4}, 0, 1, DType::kF64), true), {}, {.tau = 0.3});
  p.soft = Variable(p.soft.value(), true);
  const Variable table(generator.Normal({4, 5}, 0, 1, DType::kF64), true);
  const Tensor dy = generator.Normal({2, 3, 4, 5}, 0, 1, DType::kF64);
  const Variable embedded = EmbedRanks(p, table);
  embedded.Backward(dy);
  const Tensor dtable = table.grad(), dsoft = p.soft.grad();
  table.ZeroGrad();
  p.soft.ZeroGrad();
  const Variable product = MatMul(ToMatrix(p, {}, DType::kF64), table);
  product.Backward(dy);
  EXPECT_LT(LargestDifference(embedded.value(), product.value()), 1e-12);
  EXPECT_LT(LargestDifference(dtable, table.grad()), 1e-12);
  EXPECT_LT(LargestDifference(dsoft, p.soft.grad()), 1e-12);
  EXPECT_THROW(EmbedRanks(p, Tensor::Zeros({5, 4}, DType::kF64)), Error);
}

// Where every edge has its reverse, pairs of nodes are summed as one; edges to oneself and double ones among them.
TEST(StraightThroughTest, EqualsTheDenseProductsOnUndirectedGraphs) {
  CompareWithDenseProducts(MakeEdgeLists(4, {{{0, 1}, {1, 0}, {1, 2}, {2, 1}, {3, 3}, {0, 3}, {3, 0}},
                                             {{2, 3}, {3, 2}, {2, 3}, {3, 2}, {1, 1}, {1, 1}, {0, 2}, {2, 0}}}));
}

TEST(StraightThroughTest, EqualsTheDenseProductsOnGraphsWithFewerNodes) {
  CompareWithDenseProducts(MakeEdgeLists(4, {{{0, 1}, {2, 1}, {2, 0}}, {{0, 1}, {0, 0}}}), {3, 2});
  CompareWithDenseProducts(MakeEdgeLists(4, {{{0, 1}, {1, 0}, {2, 1}, {1, 2}}, {{0, 1}, {1, 0}, {0, 0}}}), {3, 2});
}

TEST(SoftSortTest, NothingSoftIsMadeWhereNoGradientIsWanted) {
  const NoGrad no_grad;
  Generator generator(16);
  const Variable scores(generator.Normal({2, 3, 4}, 0, 1), true);
  EXPECT_FALSE(SoftSort(scores, {}, {}).soft.defined());
  EXPECT_TRUE(SoftSort(scores, {}, {.hard = false}).soft.defined());
}

// Scores whose squares are not numbers of f32 any more.
TEST(SoftSortTest, HugeScoresKeepTheirOrder) {
  for (const bool wanted : {false, true}) {
    const Variable scores(Tensor::From<float>({1e25f, 3e38f, -2e30f, 3e20f}, {1, 1, 4}), wanted);
    const Permutation permutation = SoftSort(scores, {}, {});
    EXPECT_THAT(permutation.index.ToVector<int32_t>(), testing::ElementsAre(1, 0, 3, 2)) << wanted;
    EXPECT_EQ(permutation.soft.defined(), wanted);
    if (!wanted) continue;
    for (const float p : permutation.soft.value().ToVector<float>()) EXPECT_TRUE(0 <= p && p <= 1) << p;
  }
}

}  // namespace
}  // namespace orbit
