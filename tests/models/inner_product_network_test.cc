// The network that serves all matrix groups. every_model_test.cc tests its equivariance.
#include "models/inner_product_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/device.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/distribution.h"
#include "tests/models/example_data.h"

namespace orbit {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class InnerProductNetworkTest : public testing::TestWithParam<const char*> {};

TEST_P(InnerProductNetworkTest, ParametersAllHaveGradients) {
  const Group group = ParseGroup(GetParam());
  for (const char* distribution : {"learned", "canonical"}) {
    Generator generator(6);
    const auto p = MakeDistribution(distribution, {.group = group, .soft_sort = {.tau = 1}},
                                    ExampleVectorNetwork(group, generator));
    const Features x = ExampleVectors(group, generator, DType::kF32);
    const Element g = p->Sample(x, p->DrawNoise(x, 1, generator), generator);
    Variable loss = Sum(Mul(g.matrix, generator.Normal(g.matrix.shape(), 0, 1)));
    if (g.permutation) {
      const Variable& soft = g.permutation->soft;
      loss = Add(loss, Sum(Mul(soft, generator.Normal(soft.shape(), 0, 1))));
    }
    loss.Backward();
    for (const auto& [name, parameter] : p->network()->NamedParameters()) {
      ASSERT_TRUE(parameter.grad().defined()) << name;
      double largest = 0;
      for (const double value : parameter.grad().ToVector<double>()) {
        ASSERT_TRUE(std::isfinite(value)) << name;
        largest = std::max(largest, std::abs(value));
      }
      EXPECT_GT(largest, 0) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, InnerProductNetworkTest,
                         testing::Values("SnxO3", "SnxSE3", "SnxU2", "SU3", "SnxO1,2", "SO+1,3", "SnxSE+1,3"),
                         [](const auto& info) { return "Group" + std::to_string(info.index); });

// On the emulator and, if there is one, on a GPU: elements and gradients agree with the host.
class InnerProductNetworkOnDevice : public testing::TestWithParam<Device> {};

TEST_P(InnerProductNetworkOnDevice, AgreesWithTheHost) {
  for (const char* name : {"SnxO2", "SU3", "SnxSO+1,3"}) {
    const Group group = ParseGroup(name);
    std::vector<std::vector<Tensor>> results;
    for (const Device device : {Device{}, GetParam()}) {
      Generator generator(6);
      const auto p = MakeDistribution("learned", {.group = group, .soft_sort = {.tau = 1}},
                                      ExampleVectorNetwork(group, generator));
      p->network()->To(DType::kF64);
      p->network()->To(device);
      Features x = ExampleVectors(group, generator, DType::kF64);
      for (Feature& feature : x.features) feature.value = feature.value.value().To(device);
      const Noise noise = p->DrawNoise(x, 2, generator);
      const Variable& vectors = x.features[0].value;
      const Variable y = p->Sample(x, noise, generator).ActInverse(x.features[0].representation, vectors, 2);
      Sum(Mul(y, generator.Normal(y.shape(), 0, 1, DType::kF64, device))).Backward();
      results.push_back({y.value()});
      for (const auto& parameter : p->network()->NamedParameters()) results.back().push_back(parameter.variable.grad());
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
  Generator generator(6);
  const auto p = MakeDistribution("learned", {.group = group}, ExampleVectorNetwork(group, generator));
  Features x = ExampleVectors(group, generator, DType::kF32);
  const auto sample = [&](const Variable& vectors) {
    return [&, vectors] {
      Features changed = x;
      changed.features[0].value = vectors;
      changed.features[1].value = Slice(x.features[1].value, 1, 0, vectors.dim(1));
      p->Sample(changed, p->DrawNoise(changed, 1, generator), generator);
    };
  };
  const Variable& momenta = x.features[0].value;
  EXPECT_NO_THROW(sample(Slice(momenta, 1, 0, 4))());
  EXPECT_THAT(sample(Slice(momenta, 1, 0, 3)), ThrowsMessage<Error>(HasSubstr("do not span")));
  const Variable space = Slice(momenta, 2, 1, 4);
  EXPECT_THAT(sample(Concat({Scale(Slice(momenta, 2, 0, 1), 0.01), space}, 2)),
              ThrowsMessage<Error>(HasSubstr("not timelike")));
  EXPECT_THAT(sample(space), ThrowsMessage<Error>(HasSubstr("vectors of 4 coordinates")));
  EXPECT_THROW(InnerProductNetwork(ParseGroup("Sn"), {}, generator), Error);
}

}  // namespace
}  // namespace orbit
