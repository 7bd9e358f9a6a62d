// A warm training step requests no memory from the system and never waits for the device. Runs on the emulator and, if
// there is one, on a GPU.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

#include "engine/device.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/optim/adam.h"
#include "engine/training/training_step.h"
#include "models/graph_model.h"
#include "models/nbody_model.h"

namespace orbit {
namespace {

// The device's losses stay with it until they are asked for, one step later.
void ExpectQuietSteps(Device device, Model& model, const Features& x, int64_t samples, double clip_norm) {
  optim::Adam adam(model.NamedParameters());
  const auto batch = static_cast<double>(x.batch());
  TrainingStep step(adam,
                    [&](const std::vector<Tensor>&, const Span&, Generator& generator) {
                      const auto result = model(x, samples, generator);
                      std::vector<LossPart> parts = {{"squares", Sum(Square(result.output)), batch}};
                      if (result.entropy.defined()) parts.push_back({"entropy", result.entropy, batch, 0.1});
                      return parts;
                    },
                    {.clip_norm = clip_norm});
  Generator generator(0);
  const Tensor rows = Tensor::Zeros({x.batch()});
  std::vector<double> losses;
  const auto run = [&] { losses.push_back(step.Run({rows}, 1e-3, generator).Get().loss); };
  for (int i = 0; i < 3; ++i) run();
  const int64_t allocations = GetMemoryStatistics(device).system_allocations, waits = SynchronizationCount(device);
  for (int i = 0; i < 3; ++i) run();
  EXPECT_EQ(GetMemoryStatistics(device).system_allocations, allocations);
  EXPECT_EQ(SynchronizationCount(device), waits);
  for (const double value : losses) EXPECT_TRUE(std::isfinite(value));
}

class WarmStep : public testing::TestWithParam<Device> {};

void ExpectQuietParticleSteps(Device device, const std::string& base, int64_t samples) {
  Generator generator(0);
  NBodyModelOptions options;
  options.base = base;
  options.transformer = {.layers = 1, .width = 16, .heads = 2};
  options.egnn = {.layers = 1, .hidden = 8};
  options.network_hidden = 12;
  const std::unique_ptr<Model> model = MakeNBodyModel(options, generator);
  model->To(device);
  const auto normal = [&](const Shape& shape) { return generator.Normal(shape, 0, 1, DType::kF32, device); };
  const ParticleBatch batch = {normal({3, 5, 3, 2}), normal({3, 5, 5, 2}), normal({3, 5, 3}), normal({3, 5, 1})};
  ExpectQuietSteps(device, *model, MakeParticleFeatures(batch), samples, 0);
}

TEST_P(WarmStep, OfTheParticleModel) { ExpectQuietParticleSteps(GetParam(), "transformer", 2); }
TEST_P(WarmStep, OfEgnn) { ExpectQuietParticleSteps(GetParam(), "egnn", 1); }

TEST_P(WarmStep, OfTheGraphModel) {
  const Device device = GetParam();
  Generator generator(0);
  const int64_t n = 7;
  GraphModelOptions options;
  options.base = {.n = n, .widths = {16, 8}};
  options.network.hidden = 8;
  const std::unique_ptr<Model> model = MakeGraphModel(options, generator);
  model->To(device);
  const EdgeLists edges = MakeEdgeLists(n, {{{0, 1}, {1, 0}, {1, 2}, {2, 1}}, {{3, 4}, {4, 3}}}).To(device);
  const Features x = MakeGraphFeatures(generator.Normal({2, n, 2}, 0, 1, DType::kF32, device), edges,
                                       Tensor::From<int32_t>({3, 7}, {2}, device));
  ExpectQuietSteps(device, *model, x, 3, 0.1);
}

std::vector<Device> Devices() {
  std::vector<Device> devices = {{DeviceType::kSimt}};
  for (const Device& gpu : CudaDevices()) devices.push_back(gpu);
  return devices;
}
INSTANTIATE_TEST_SUITE_P(Devices, WarmStep, testing::ValuesIn(Devices()),
                         [](const auto& info) { return NameOf(info.param).substr(0, 4) + std::to_string(info.index); });

}  // namespace
}  // namespace orbit
