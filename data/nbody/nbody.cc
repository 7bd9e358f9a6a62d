#include "data/nbody/nbody.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <vector>

#include "engine/io/checksum.h"

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

std::string FileName(const NBodyOptions& options) {
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
  return name + ".safetensors";
}

NBodyData ReadCache(const std::string& path) {
  io::Safetensors file = io::ReadChecksummed(path);
  NBodyData data;
  for (size_t s = 0; s < kSplits.size(); ++s)
    for (auto& [name, tensor] : Named(kSplits[s], data.splits[s])) {
      *tensor = file.tensors[name];
      Check(tensor->defined(), path, " lacks ", name);
    }
  return data;
}

void WriteCache(const std::string& path, NBodyData& data) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  io::Safetensors file;
  for (size_t s = 0; s < kSplits.size(); ++s)
    for (auto& [name, tensor] : Named(kSplits[s], data.splits[s])) file.tensors[name] = *tensor;
  io::WriteChecksummed(path, file);
}

}  // namespace

std::string CacheDirectory() {
  if (const char* directory = std::getenv("ORBIT_CACHE")) return directory;
  if (const char* directory = std::getenv("XDG_CACHE_HOME")) return std::string(directory) + "/orbit";
  if (const char* home = std::getenv("HOME")) return std::string(home) + "/.cache/orbit";
  return (std::filesystem::temp_directory_path() / "orbit").string();
}

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
  const std::string path = CacheDirectory() + "/" + FileName(options);
  if (std::filesystem::exists(path)) {
    try {
      return ReadCache(path);
    } catch (const std::exception& error) {
      std::cerr << "data set made anew: " << error.what() << std::endl;
    }
  }
  NBodyData data = SimulateNBody(options, progress);
  try {
    WriteCache(path, data);
  } catch (const std::exception& error) {
    std::cerr << "data set not kept: " << error.what() << std::endl;
  }
  return data;
}

}  // namespace orbit
