// Exact equivariance of the n-body models: for every group, distribution and base function, phi(h x, h eps) = h phi(x,
// eps) up to rounding, and the same bits whatever the number of threads.
#include "models/nbody_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>

#include "engine/ops/loss.h"
#include "engine/ops/shape.h"
#include "groups/equivariance.h"
#include "kernels/parallel.h"
#include "models/egnn.h"

namespace orbit {
namespace {

constexpr int64_t kBatch = 3, kNodes = 5, kSamples = 2;

ParticleBatch DrawBatch(Generator& generator, DType dtype) {
  const Tensor nodes = generator.Normal({kBatch, kNodes, 3, 2}, 0, 1, dtype);
  // Symmetric in the pair, 0 on the diagonal, as products of charges and distances are.
  const std::vector<double> drawn = generator.Normal({kBatch, kNodes, kNodes, 2}, 0, 1, DType::kF64).ToVector<double>();
  std::vector<double> edges(drawn.size());
  for (int64_t b = 0; b < kBatch; ++b)
    for (int64_t i = 0; i < kNodes; ++i)
      for (int64_t j = 0; j < kNodes; ++j)
        for (int64_t c = 0; c < 2; ++c)
          if (i != j)
            edges[((b * kNodes + i) * kNodes + j) * 2 + c] =
                drawn[((b * kNodes + std::min(i, j)) * kNodes + std::max(i, j)) * 2 + c];
  return {nodes, Tensor::From(edges, {kBatch, kNodes, kNodes, 2}).To(dtype),
          generator.Normal({kBatch, kNodes, 3}, 0, 1, dtype), generator.Normal({kBatch, kNodes, 1}, 0, 1, dtype)};
}

double LargestDifference(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = a.ToVector<double>(), y = b.ToVector<double>();
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

Tensor ActOnPositions(const Element& h, const Tensor& y) {
  Shape shape = y.shape();
  shape.push_back(1);
  return Act(h, {y.Reshape(shape), Representation::Vectors(1, /*points=*/1)}).value().Reshape(y.shape());
}

ParticleBatch Transform(const Element& h, const ParticleBatch& x) {
  const Features moved = Act(h, NBodyModel::MakeFeatures(x));
  return {moved.features[0].value.value(), moved.features[1].value.value(), x.target,
          Act(h, {x.charges, Representation::Scalars(1)}).value()};
}

NBodyModelOptions SmallOptions(const std::string& symmetry, const std::string& base, const std::string& distribution) {
  NBodyModelOptions options;
  options.symmetry = symmetry;
  options.base = base;
  options.distribution = distribution;
  options.transformer.layers = 2;
  options.transformer.width = 16;
  options.gnn.layers = 2;
  options.gnn.hidden = 12;
  options.network_hidden = 24;
  return options;
}

using Setting = std::tuple<std::string, std::string, std::string>;  // symmetry, base, distribution

class NBodyModelTest : public testing::TestWithParam<Setting> {};

TEST_P(NBodyModelTest, IsExactlyEquivariantJointlyInDataAndNoise) {
  const auto& [symmetry, base, distribution] = GetParam();
  Generator generator(3);
  NBodyModel model(SmallOptions(symmetry, base, distribution), generator);
  model.To(DType::kF64);
  model.Eval();
  const ParticleBatch x = DrawBatch(generator, DType::kF64);
  const int64_t samples = distribution == "canonical" ? 1 : kSamples;
  for (int trial = 0; trial < 4; ++trial) {
    const Noise noise = model.DrawNoise(x, samples, generator);
    const Element h = RandomElement(model.group(), model.MakeFeatures(x), generator);
    const Tensor y = model.Forward(x, noise, generator).prediction.value();
    const Noise h_noise = Act(h, model.network().noise_representation(), noise);
    const Tensor of_moved = model.Forward(Transform(h, x), h_noise, generator).prediction.value();
    EXPECT_LT(LargestDifference(of_moved, ActOnPositions(h, y)), 1e-9);
    // It would not be so without a reason: the base function alone has no symmetry.
    EXPECT_GT(LargestDifference(of_moved, y), 1e-3);
  }
}

TEST_P(NBodyModelTest, NoiseDrawnAnewIsAnotherSample) {
  const auto& [symmetry, base, distribution] = GetParam();
  if (distribution == "canonical") GTEST_SKIP() << "has no noise";
  Generator generator(3);
  NBodyModel model(SmallOptions(symmetry, base, distribution), generator);
  model.Eval();
  const ParticleBatch x = DrawBatch(generator, DType::kF32);
  const Tensor first = model.Forward(x, kSamples, generator).prediction.value();
  EXPECT_GT(LargestDifference(first, model.Forward(x, kSamples, generator).prediction.value()), 1e-4);
}

TEST_P(NBodyModelTest, TrainingStepHasTheSameBitsOnAnyNumberOfThreads) {
  const auto& [symmetry, base, distribution] = GetParam();
  const int before = kernels::NumThreads();
  std::vector<std::vector<float>> gradients;
  for (const int threads : {1, 2, 2}) {
    kernels::SetNumThreads(threads);
    Generator generator(4);
    NBodyModelOptions options = SmallOptions(symmetry, base, distribution);
    NBodyModel model(options, generator);
    const ParticleBatch x = DrawBatch(generator, DType::kF32);
    const auto result = model.Forward(x, distribution == "canonical" ? 1 : kSamples, generator);
    MseLoss(result.prediction, x.target).Backward();
    gradients.emplace_back();
    for (const auto& [name, parameter] : model.NamedParameters()) {
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

std::vector<Setting> Settings() {
  std::vector<Setting> settings;
  for (const char* distribution : {"learned", "haar", "canonical"}) {
    for (const char* symmetry : {"SnxO3", "SnxSO3", "O3", "SO3", "Sn"})
      settings.emplace_back(symmetry, "transformer", distribution);
    for (const char* symmetry : {"O3", "SO3"}) settings.emplace_back(symmetry, "gnn", distribution);
  }
  return settings;
}

INSTANTIATE_TEST_SUITE_P(All, NBodyModelTest, testing::ValuesIn(Settings()), [](const auto& info) {
  return std::get<0>(info.param) + "_" + std::get<1>(info.param) + "_" + std::get<2>(info.param);
});

TEST(NBodyModelOptionsTest, WhatMakesNoSenseIsRefused) {
  Generator generator(0);
  EXPECT_THROW(NBodyModel(SmallOptions("SnxO3", "gnn", "learned"), generator), Error);
  EXPECT_THROW(NBodyModel(SmallOptions("SnxO2", "transformer", "learned"), generator), Error);
  EXPECT_THROW(NBodyModel(SmallOptions("SnxO3", "cnn", "learned"), generator), Error);
  EXPECT_THROW(NBodyModel(SmallOptions("SnxO3", "transformer", "frames"), generator), Error);
  NBodyModel model(SmallOptions("SnxO3", "transformer", "learned"), generator);
  const ParticleBatch x = DrawBatch(generator, DType::kF32);
  EXPECT_THROW(model.Forward(x, 0, generator), Error);
  NBodyModel canonical(SmallOptions("SnxO3", "transformer", "canonical"), generator);
  EXPECT_THROW(canonical.Forward(x, 2, generator), Error);
}

TEST(EgnnTest, IsEquivariantToRigidMotionsReflectionsAndPermutations) {
  Generator generator(5);
  Egnn model({.layers = 2, .hidden = 16}, generator);
  model.To(DType::kF64);
  const ParticleBatch x = DrawBatch(generator, DType::kF64);
  const auto predict = [&](const ParticleBatch& batch) {
    const Shape shape = {kBatch, kNodes, 3};
    return model(Reshape(Slice(batch.nodes, -1, 0, 1), shape), Reshape(Slice(batch.nodes, -1, 1, 2), shape),
                 batch.charges)
        .value();
  };
  const Element h = RandomElement(ParseGroup("SnxE3"), NBodyModel::MakeFeatures(x), generator);
  EXPECT_LT(LargestDifference(predict(Transform(h, x)), ActOnPositions(h, predict(x))), 1e-10);
}

}  // namespace
}  // namespace orbit
