// The one network that serves all matrix groups: exact equivariance for every group x distribution.
#include "models/inner_product_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <tuple>

#include "engine/device.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/equivariance.h"
#include "groups/symmetrizer.h"

namespace orbit {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr int64_t kBatch = 3, kNodes = 5;

double LargestDifference(const Variable& a, const Variable& b) {
  EXPECT_EQ(a.shape(), b.shape());
  const std::vector<double> x = a.value().ToVector<double>(), y = b.value().ToVector<double>();
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

// Positions where there are translations, a vector and a number a node; in the Lorentz groups the vectors are momenta
// of massive particles.
Features DrawNodes(const Group& group, Generator& generator, DType dtype) {
  const Form& form = group.matrix->form();
  const auto normal = [&](const Shape& shape) { return Variable(generator.Normal(shape, 0, 1, dtype)); };
  Variable vectors = normal({kBatch, kNodes, form.dimension(), 1});
  if (form.negative > 0) {
    const Variable p = normal({kBatch, kNodes, form.negative, 1});
    vectors = Concat({Sqrt(AddScalar(Sum(Square(p), {2}, /*keepdim=*/true), 0.3)), p}, 2);
  }
  if (group.translations) vectors = Concat({normal(vectors.shape()), vectors}, -1);
  return {.features = {{vectors, Representation::Vectors(1, group.translations ? 1 : 0)},
                       {normal({kBatch, kNodes, 1}), Representation::Scalars(1)}},
          .num_nodes = {},
          .edges = {}};
}

std::unique_ptr<InnerProductNetwork> MakeNetwork(const Group& group, DType dtype) {
  Generator generator(5);
  auto network = std::make_unique<InnerProductNetwork>(
      group, InnerProductNetworkOptions{.vectors = group.translations ? 2 : 1, .scalars = 1, .hidden = 16}, generator);
  network->To(dtype);
  return network;
}

std::string NameForTest(std::string group) {
  std::replace(group.begin(), group.end(), ',', '_');
  std::replace(group.begin(), group.end(), '+', 'p');
  return group;
}

using Setting = std::tuple<std::string, std::string>;  // group, distribution

class InnerProductNetworkTest : public testing::TestWithParam<Setting> {};

// A function of all coordinates, each weighted differently.
class Weighted : public BaseFunction {
 public:
  Variable Forward(const View& x, Generator&) const override {
    const Variable vectors = x.Feature(0), numbers = x.Feature(1);
    Shape shape = vectors.shape();
    shape[0] = 1;
    Generator weights(7);
    const Variable y = Tanh(Mul(vectors, weights.Normal(shape, 0, 0.5, DType::kF64)));
    shape[2] = shape[3] = 1;
    return Add(y, Mul(Reshape(numbers, {x.rows(), kNodes, 1, 1}), weights.Normal(shape, 0, 1, DType::kF64)));
  }
};

// phi(h x, h eps) = h phi(x, eps).
TEST_P(InnerProductNetworkTest, MakesAnyFunctionExactlyEquivariant) {
  const auto& [name, distribution] = GetParam();
  const Group group = ParseGroup(name);
  Generator generator(6);
  const Features x = DrawNodes(group, generator, DType::kF64);
  const Representation& output = x.features[0].representation;
  Symmetrizer phi(std::make_unique<Weighted>(),
                  MakeDistribution(distribution, {.group = group}, MakeNetwork(group, DType::kF64)), output);
  for (int trial = 0; trial < 4; ++trial) {
    const Noise noise = phi.DrawNoise(x, distribution == "canonical" ? 1 : 2, generator);
    const Element h = RandomElement(group, x, generator);
    const Variable y = phi.Forward(x, noise, generator).output,
                   moved = phi.Forward(Act(h, x), phi.Act(h, noise), generator).output;
    EXPECT_LT(LargestDifference(moved, Act(h, {y, output})), 1e-10);
    EXPECT_GT(LargestDifference(moved, y), 1e-3);
  }
}

TEST_P(InnerProductNetworkTest, ParametersAllHaveGradients) {
  const auto& [name, distribution_name] = GetParam();
  if (distribution_name == "haar") GTEST_SKIP() << "has no parameters";
  const Group group = ParseGroup(name);
  const auto distribution =
      MakeDistribution(distribution_name, {.group = group, .soft_sort = {.tau = 1}}, MakeNetwork(group, DType::kF32));
  Generator generator(6);
  const Features x = DrawNodes(group, generator, DType::kF32);
  const Element g = distribution->Sample(x, distribution->DrawNoise(x, 1, generator), generator);
  Variable loss = Sum(Mul(g.matrix, generator.Normal(g.matrix.shape(), 0, 1)));
  if (g.permutation)
    loss = Add(loss, Sum(Mul(g.permutation->soft, generator.Normal(g.permutation->soft.shape(), 0, 1))));
  loss.Backward();
  for (const auto& [parameter_name, parameter] : distribution->network()->NamedParameters()) {
    ASSERT_TRUE(parameter.grad().defined()) << parameter_name;
    double largest = 0;
    for (const double value : parameter.grad().ToVector<double>()) {
      ASSERT_TRUE(std::isfinite(value)) << parameter_name;
      largest = std::max(largest, std::abs(value));
    }
    EXPECT_GT(largest, 0) << parameter_name;
  }
}

std::vector<Setting> Settings() {
  std::vector<Setting> settings;
  for (const char* group : {"O2", "SnxO3", "SO3", "SnxSE3", "U1", "SnxU2", "U3", "SU2", "SnxSU3", "O1,3", "SnxO1,2",
                            "SO+1,3", "SnxSO+1,3", "SnxSE+1,3"}) {
    settings.emplace_back(group, "learned");
    settings.emplace_back(group, "canonical");
    if (ParseGroup(group).matrix->compact()) settings.emplace_back(group, "haar");
  }
  return settings;
}

INSTANTIATE_TEST_SUITE_P(All, InnerProductNetworkTest, testing::ValuesIn(Settings()), [](const auto& info) {
  return NameForTest(std::get<0>(info.param)) + "_" + std::get<1>(info.param);
});

// On the emulator of GPUs, and on a GPU where there is one: elements and gradients are those of the host.
class InnerProductNetworkOnDevice : public testing::TestWithParam<Device> {};

TEST_P(InnerProductNetworkOnDevice, AgreesWithTheHost) {
  for (const char* name : {"SnxO2", "SU3", "SnxSO+1,3"}) {
    const Group group = ParseGroup(name);
    std::vector<std::vector<Tensor>> results;
    for (const Device device : {Device{}, GetParam()}) {
      const auto distribution =
          MakeDistribution("learned", {.group = group, .soft_sort = {.tau = 1}}, MakeNetwork(group, DType::kF64));
      distribution->network()->To(device);
      Generator generator(6);
      Features x = DrawNodes(group, generator, DType::kF64);
      Noise noise = distribution->DrawNoise(x, 2, generator);
      const Tensor weights = generator.Normal({kBatch, 2, kNodes, x.features[0].value.dim(2), 1}, 0, 1, DType::kF64);
      for (Feature& feature : x.features) feature.value = feature.value.value().To(device);
      for (Tensor* tensor : {&noise.network, &noise.scores, &noise.frame})
        if (tensor->defined()) *tensor = tensor->To(device);
      const Variable y =
          distribution->Sample(x, noise, generator).ActInverse(Representation::Vectors(1), x.features[0].value, 2);
      Sum(Mul(y, weights.To(device))).Backward();
      results.push_back({y.value()});
      for (const auto& [parameter_name, parameter] : distribution->network()->NamedParameters())
        results.back().push_back(parameter.grad());
    }
    for (size_t i = 0; i < results[0].size(); ++i)
      EXPECT_LT(LargestDifference(results[1][i], results[0][i]), 1e-10) << name << " " << i;
  }
}

std::vector<Device> Devices() {
  std::vector<Device> devices = {{DeviceType::kSimt}};
  for (const Device& gpu : CudaDevices()) devices.push_back(gpu);
  return devices;
}

INSTANTIATE_TEST_SUITE_P(Devices, InnerProductNetworkOnDevice, testing::ValuesIn(Devices()),
                         [](const auto& info) { return NameOf(info.param).substr(0, 4) + std::to_string(info.index); });

TEST(InnerProductNetworkInputTest, WhatMakesNoFrameIsRefused) {
  const Group group = ParseGroup("SO+1,3");
  const auto distribution = MakeDistribution("learned", {.group = group}, MakeNetwork(group, DType::kF64));
  Generator generator(6);
  Features x = DrawNodes(group, generator, DType::kF64);
  const auto sample = [&](const Variable& vectors) {
    return [&, vectors] {
      Features changed = x;
      changed.features[0].value = vectors;
      changed.features[1].value = Slice(x.features[1].value, 1, 0, vectors.dim(1));
      distribution->Sample(changed, distribution->DrawNoise(changed, 1, generator), generator);
    };
  };
  const Variable& momenta = x.features[0].value;
  EXPECT_NO_THROW(sample(momenta)());
  EXPECT_NO_THROW(sample(Slice(momenta, 1, 0, 4))());
  EXPECT_THAT(sample(Slice(momenta, 1, 0, 3)), ThrowsMessage<Error>(HasSubstr("do not span")));  // three of them
  const Variable space = Slice(momenta, 2, 1, 4);
  EXPECT_THAT(sample(Concat({Scale(Slice(momenta, 2, 0, 1), 0.01), space}, 2)),
              ThrowsMessage<Error>(HasSubstr("not timelike")));
  EXPECT_THAT(sample(space), ThrowsMessage<Error>(HasSubstr("vectors of 4 coordinates")));
  EXPECT_THROW(InnerProductNetwork(ParseGroup("Sn"), {}, generator), Error);
}

}  // namespace
}  // namespace orbit
