#include "data/nbody/nbody.h"

#include <algorithm>
#include <vector>

#include "data/packed_cache.h"

namespace orbit {
namespace {

constexpr int64_t kDrawnToTrain = 10000, kDrawnToValidate = 2000;

ParticleFrames ToFrames(const Trajectories& trajectories) {
  const int64_t count = trajectories.count, n = trajectories.particles;
  const auto frame = [&](const std::vector<double>& values, int64_t which) {
    std::vector<double> picked;
    picked.reserve(count * n * 3);
    for (int64_t t = 0; t < count; ++t) {
      const auto begin = values.begin() + (2 * t + which) * n * 3;
      picked.insert(picked.end(), begin, begin + n * 3);
    }
    return Tensor::From(picked, {count, n, 3});
  };
  return {.charges = Tensor::From(trajectories.charges, {count, n}),
          .couplings = {},
          .positions = frame(trajectories.positions, 0),
          .velocities = frame(trajectories.velocities, 0),
          .targets = frame(trajectories.positions, 1)};
}

// The tensors of a split, by their names in the cache.
std::array<std::pair<std::string, Tensor*>, 4> Named(Split split, ParticleFrames& frames) {
  const std::string prefix = NameOf(split) + "/";
  return {{{prefix + "charges", &frames.charges},
           {prefix + "positions", &frames.positions},
           {prefix + "velocities", &frames.velocities},
           {prefix + "targets", &frames.targets}}};
}

std::string CacheName(const NBodyOptions& options) {
  const SimulatorOptions& simulator = options.simulator;
  std::string name = "nbody-" + NameOf(simulator.forces);
  const auto add = [&](const char* what, int64_t value) { name += "-" + std::string(what) + std::to_string(value); };
  add("particles", simulator.particles);
  add("steps", simulator.steps);
  add("every", simulator.frame_steps);
  add("seed", options.seed);
  add("train", options.train);
  add("valid", options.valid);
  add("test", options.test);
  return name;
}

}  // namespace

NBodyData SimulateNBody(const NBodyOptions& options, const ShareDone& progress) {
  Check(options.train >= 0 && options.train <= kDrawnToTrain, "0 to ", kDrawnToTrain,
        " trajectories can be drawn to train on, asked for ", options.train);
  Check(options.seed >= 0 && options.seed <= 0xffffffff, "the seed ", options.seed, " is not of 32 bits");
  NumpyRandom random(static_cast<uint32_t>(options.seed));
  const double total = static_cast<double>(std::max<int64_t>(1, options.train + options.valid + options.test));
  double done = 0;
  const auto simulate = [&](int64_t count, int64_t drawn) {
    const auto share = [&](double part) {
      if (progress) progress((done + part * static_cast<double>(count)) / total);
    };
    const Trajectories trajectories =
        Simulate(options.simulator, random, count, drawn - count, {kNBodyInputFrame, kNBodyTargetFrame}, share);
    done += static_cast<double>(count);
    return ToFrames(trajectories);
  };
  NBodyData data;
  data.splits[0] = simulate(options.train, kDrawnToTrain);
  data.splits[1] = simulate(options.valid, std::max(options.valid, kDrawnToValidate));
  data.splits[2] = simulate(options.test, options.test);
  return data;
}

NBodyData LoadNBody(const NBodyOptions& options, const ShareDone& progress) {
  const PackedArrays packed = LoadPacked({.name = CacheName(options)}, [&] {
    NBodyData data = SimulateNBody(options, progress);
    TensorMap tensors;
    for (size_t s = 0; s < kSplits.size(); ++s)
      for (auto& [name, tensor] : Named(kSplits[s], data.splits[s])) tensors[name] = *tensor;
    return tensors;
  });
  NBodyData data;
  for (size_t s = 0; s < kSplits.size(); ++s)
    for (auto& [name, tensor] : Named(kSplits[s], data.splits[s])) *tensor = packed.Copy(name);
  return data;
}

}  // namespace orbit
