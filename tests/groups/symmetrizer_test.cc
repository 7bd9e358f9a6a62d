// The symmetrizer and what its base function sees: features that are made once, when they are asked for, in the data's
// precision; and which parameters, precision and shapes are whose. That it is equivariant is tested with every model,
// tests/models/every_model_test.cc.
#include "groups/symmetrizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/nn/linear.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/equivariance.h"

namespace orbit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr int64_t kBatch = 2, kNodes = 4, kSamples = 3;

Features Nodes(Generator& generator) {
  return {.features = {{generator.Normal({kBatch, kNodes, 2}, 0, 1), Representation::Scalars(1)},
                       {generator.Normal({kBatch, kNodes, 3, 1}, 0, 1), Representation::Vectors(1)}}};
}

// Scores are the sums of a node's numbers, weighted.
struct Network : EquivariantNetwork {
  explicit Network(Generator& generator) : linear(2, 1, generator) { AddModule("linear", linear); }
  Tensor DrawNoise(const Features& x, int64_t samples, Generator& generator) const override {
    return generator.Normal({x.batch(), samples, kNodes, 2}, 0, 1);
  }
  Representation noise_representation() const override { return Representation::Scalars(1); }
  Proposal Forward(const Features& x, const Tensor& noise, Generator&) override {
    precision = Autocast::current();
    const Variable z = Add(Reshape(x.features[0].value, {x.batch(), 1, kNodes, 2}), noise);
    return {Reshape(linear(z), {x.batch(), noise.dim(1), kNodes}), {}};
  }
  nn::Linear linear;
  Precision precision = Precision::kTf32;
};

struct Base : BaseFunction {
  explicit Base(Generator& generator) : linear(kNodes * 2, 5, generator) { AddModule("linear", linear); }
  Variable Forward(const View& x, Generator&) const override {
    precision = Autocast::current();
    const Variable y = linear(Reshape(x.Feature(0), {x.rows(), -1}));
    return drops_rows ? Slice(y, 0, 0, 1) : y;
  }
  nn::Linear linear;
  bool drops_rows = false;
  mutable Precision precision = Precision::kTf32;
};

TEST(ViewTest, FeaturesAreMadeOnceAndTransformed) {
  Generator generator(1);
  const Features x = Nodes(generator);
  const auto haar = MakeDistribution("haar", {.group = ParseGroup("SnxO3")});
  const Element g = haar->Sample(x, haar->DrawNoise(x, kSamples, generator), generator);
  const View view(x, g, kSamples);
  EXPECT_EQ(view.rows(), kBatch * kSamples);
  for (const size_t i : {0, 1}) {
    const Feature& feature = x.features[i];
    const Variable once = view.Feature(i);
    EXPECT_EQ(view.Feature(i).value().data<float>(), once.value().data<float>());
    EXPECT_EQ(UnfoldSamples(once, kSamples).value().ToVector<float>(),
              g.ActInverse(feature.representation, feature.value, kSamples).value().ToVector<float>());
    const Autocast scope(Precision::kBf16);
    EXPECT_EQ(View(x, g, kSamples).Feature(i).value().ToVector<float>(), once.value().ToVector<float>());
  }
  EXPECT_THAT([&] { view.Feature(2); }, ThrowsMessage<Error>(HasSubstr("feature 2 of 2")));
  const Element without;
  EXPECT_THAT([&] { View(x, without, 1).permutation(); }, ThrowsMessage<Error>(HasSubstr("without permutations")));
}

TEST(ViewTest, WhatIsMadeUnderANoGradIsNotKept) {
  Generator generator(1);
  Features x = Nodes(generator);
  const Variable leaf(x.features[0].value.value(), /*requires_grad=*/true);
  x.features[0].value = leaf;
  const auto haar = MakeDistribution("haar", {.group = ParseGroup("Sn")});
  const Element g = haar->Sample(x, haar->DrawNoise(x, kSamples, generator), generator);
  const View view(x, g, kSamples);
  {
    const NoGrad no_grad;
    view.Feature(0);
  }
  Sum(view.Feature(0)).Backward();
  ASSERT_TRUE(leaf.grad().defined());
  EXPECT_EQ(leaf.grad().ToVector<float>(), std::vector<float>(leaf.size(), kSamples));
}

TEST(SymmetrizerTest, ParametersAreThoseOfItsParts) {
  Generator generator(1);
  const auto names = [&](const char* distribution) {
    const Symmetrizer phi(
        std::make_unique<Base>(generator),
        MakeDistribution(distribution, {.group = ParseGroup("Sn")}, std::make_unique<Network>(generator)),
        Representation::Invariant());
    std::vector<std::string> names;
    for (const auto& [name, parameter] : phi.NamedParameters()) names.push_back(name);
    return names;
  };
  EXPECT_THAT(names("learned"), ElementsAre("backbone.linear.weight", "backbone.linear.bias", "interface.linear.weight",
                                            "interface.linear.bias"));
  EXPECT_THAT(names("haar"), ElementsAre("backbone.linear.weight", "backbone.linear.bias"));
}

TEST(SymmetrizerTest, PrecisionIsThatOfTheBaseFunctionAlone) {
  Generator generator(1);
  auto base = std::make_unique<Base>(generator);
  auto network = std::make_unique<Network>(generator);
  const Base& f = *base;
  const Network& q = *network;
  Symmetrizer phi(std::move(base), MakeDistribution("learned", {.group = ParseGroup("Sn")}, std::move(network)),
                  Representation::Invariant());
  phi.set_precision(Precision::kBf16);
  const auto result = phi(Nodes(generator), kSamples, generator);
  EXPECT_EQ(f.precision, Precision::kBf16);
  EXPECT_EQ(q.precision, Precision::kF32);
  EXPECT_EQ(Autocast::current(), Precision::kF32);
  EXPECT_EQ(result.output.dtype(), DType::kF32);
  EXPECT_EQ(result.samples.dtype(), DType::kF32);
  EXPECT_EQ(result.entropy.dtype(), DType::kF32);
}

TEST(SymmetrizerTest, EntropyIsTheSumOverTheBatch) {
  Generator generator(1);
  Symmetrizer phi(std::make_unique<Base>(generator),
                  MakeDistribution("learned", {.group = ParseGroup("Sn")}, std::make_unique<Network>(generator)),
                  Representation::Invariant());
  const Features x = Nodes(generator);
  const Generator start = generator;
  double parts = 0;
  for (int64_t row = 0; row < kBatch; ++row) {
    Features part = x;
    for (Feature& feature : part.features) feature.value = Slice(feature.value, 0, row, row + 1);
    Generator of_row = start.WithRows({row, 1, kBatch});
    parts += phi(part, kSamples, of_row).entropy.value().Item();
  }
  const double whole = phi(x, kSamples, generator).entropy.value().Item();
  EXPECT_NEAR(whole, parts, 1e-5 * whole);
  EXPECT_GT(whole, 0);
  const NoGrad no_grad;
  EXPECT_FALSE(phi(x, kSamples, generator).entropy.defined());
}

TEST(SymmetrizerTest, WhatDoesNotFitIsRefused) {
  Generator generator(1);
  auto base = std::make_unique<Base>(generator);
  base->drops_rows = true;
  Symmetrizer phi(std::move(base), MakeDistribution("haar", {.group = ParseGroup("Sn")}), Representation::Invariant());
  EXPECT_THAT([&] { phi(Nodes(generator), kSamples, generator); },
              ThrowsMessage<Error>(HasSubstr("[1, 5] on cpu of 6 rows")));
  EXPECT_THAT([&] { phi(Nodes(generator), 0, generator); }, ThrowsMessage<Error>(HasSubstr("at least 1, got 0")));
}

}  // namespace
}  // namespace orbit
