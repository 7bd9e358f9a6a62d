#include "engine/io/checkpoint.h"

#include <zlib.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "engine/io/atomic_file.h"
#include "engine/io/safetensors.h"

namespace orbit::io {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr std::string_view kModel = "model/";
constexpr std::string_view kOptimizer = "optimizer/";

// Covers names, dtypes, shapes and elements of the tensors, and the state.
std::string Checksum(const TensorMap& tensors, const std::string& state) {
  uLong sum = crc32(0, nullptr, 0);
  const auto add = [&](const void* data, size_t size) { sum = crc32_z(sum, static_cast<const Bytef*>(data), size); };
  for (const auto& [name, tensor] : tensors) {
    const std::string description = name + " " + NameOf(tensor.dtype()) + " " + ToString(tensor.shape()) + "\n";
    add(description.data(), description.size());
    const Tensor host = tensor.To(Device{});
    if (host.bytes() > 0) add(host.raw(), host.bytes());  // a null pointer would reset the sum
  }
  add(state.data(), state.size());
  char text[16];
  std::snprintf(text, sizeof(text), "%08lx", sum);
  return text;
}

std::string FormatState(const Checkpoint& checkpoint) {
  json generators = json::object();
  for (const auto& [name, generator] : checkpoint.generators)
    generators[name] = {{"seed", generator.seed()}, {"stream", generator.stream()}};
  return json{{"version", kVersion},
              {"step", checkpoint.step},
              {"epoch", checkpoint.epoch},
              {"best_validation", checkpoint.best_validation ? json(*checkpoint.best_validation) : json()},
              {"generators", generators},
              {"notes", checkpoint.notes}}
      .dump();
}

void ParseState(const json& state, Checkpoint& checkpoint) {
  Check(state.at("version") == kVersion, "its version is ", state.at("version").dump(), ", this program reads ",
        kVersion);
  checkpoint.step = state.at("step");
  checkpoint.epoch = state.at("epoch");
  if (const json& best = state.at("best_validation"); !best.is_null()) checkpoint.best_validation = best.get<double>();
  for (const auto& [name, generator] : state.at("generators").items())
    checkpoint.generators.emplace(name, Generator(generator.at("seed"), generator.at("stream")));
  checkpoint.notes = state.at("notes").get<std::map<std::string, std::string>>();
}

}  // namespace

void SaveCheckpoint(const std::string& path, const Checkpoint& checkpoint) {
  Check(std::isfinite(checkpoint.best_validation.value_or(0)), "cannot write ", path, ": best_validation is ",
        checkpoint.best_validation.value_or(0));
  Safetensors contents;
  for (const auto& [name, tensor] : checkpoint.model) contents.tensors.emplace(std::string(kModel) + name, tensor);
  for (const auto& [name, tensor] : checkpoint.optimizer)
    contents.tensors.emplace(std::string(kOptimizer) + name, tensor);
  const std::string state = FormatState(checkpoint);
  contents.metadata = {{"state", state}, {"checksum", Checksum(contents.tensors, state)}};
  RemovePartialFiles(path);
  WriteSafetensors(path, contents);
}

Checkpoint LoadCheckpoint(const std::string& path) {
  const Safetensors contents = ReadSafetensors(path);
  const auto state = contents.metadata.find("state");
  const auto checksum = contents.metadata.find("checksum");
  Check(state != contents.metadata.end() && checksum != contents.metadata.end(), path,
        " is a safetensors file, but no checkpoint of a training run");
  const std::string actual = Checksum(contents.tensors, state->second);
  Check(actual == checksum->second, path, " is damaged: its checksum is ", actual, ", not ", checksum->second);

  Checkpoint checkpoint;
  try {
    ParseState(json::parse(state->second), checkpoint);
  } catch (const std::exception& error) {
    Fail("cannot use the checkpoint ", path, ": ", error.what());
  }
  for (const auto& [name, tensor] : contents.tensors) {
    if (name.starts_with(kModel))
      checkpoint.model.emplace(name.substr(kModel.size()), tensor);
    else if (name.starts_with(kOptimizer))
      checkpoint.optimizer.emplace(name.substr(kOptimizer.size()), tensor);
    else
      Fail("cannot use the checkpoint ", path, ": unexpected tensor ", name);
  }
  return checkpoint;
}

}  // namespace orbit::io
