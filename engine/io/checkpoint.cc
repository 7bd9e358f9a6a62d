#include "engine/io/checkpoint.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "engine/io/atomic_file.h"
#include "engine/io/checksum.h"
#include "engine/io/mapped_file.h"

namespace orbit::io {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr std::string_view kModel = "model/";
constexpr std::string_view kOptimizer = "optimizer/";

std::string FormatState(const Checkpoint& checkpoint) {
  json generators = json::object();
  for (const auto& [name, generator] : checkpoint.generators)
    generators[name] = {{"seed", generator.seed()}, {"stream", generator.stream()}};
  json state = {{"version", kVersion},
                {"step", checkpoint.step},
                {"epoch", checkpoint.epoch},
                {"best_validation", checkpoint.best_validation ? json(*checkpoint.best_validation) : json()},
                {"generators", generators},
                {"notes", checkpoint.notes}};
  if (checkpoint.shards) state["shards"] = {{"set", checkpoint.shards->set}, {"world", checkpoint.shards->world}};
  return state.dump();
}

std::optional<Shards> ParseShards(const json& state) {
  const auto shards = state.find("shards");
  if (shards == state.end()) return std::nullopt;
  return Shards{.set = shards->at("set"), .world = shards->at("world")};
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
  checkpoint.shards = ParseShards(state);
}

// Calls parse(state) for the JSON of a checkpoint's metadata.
template <class Parse>
void WithState(const std::map<std::string, std::string>& metadata, const std::string& path, const Parse& parse) {
  const auto state = metadata.find("state");
  Check(state != metadata.end(), path, " is a safetensors file, but no checkpoint of a training run");
  try {
    parse(json::parse(state->second));
  } catch (const std::exception& error) {
    Fail("cannot use the checkpoint ", path, ": ", error.what());
  }
}

}  // namespace

void SaveCheckpoint(const std::string& path, const Checkpoint& checkpoint) {
  Check(std::isfinite(checkpoint.best_validation.value_or(0)), "cannot write ", path, ": best_validation is ",
        checkpoint.best_validation.value_or(0));
  Safetensors contents;
  for (const auto& [name, tensor] : checkpoint.model) contents.tensors.emplace(std::string(kModel) + name, tensor);
  if (!checkpoint.shards)
    for (const auto& [name, tensor] : checkpoint.optimizer)
      contents.tensors.emplace(std::string(kOptimizer) + name, tensor);
  contents.metadata["state"] = FormatState(checkpoint);
  RemovePartialFiles(path);
  WriteChecksummed(path, std::move(contents));
}

Checkpoint LoadCheckpoint(const std::string& path, const FileReader& read) {
  const Safetensors contents = ReadChecksummed(path, read);
  Checkpoint checkpoint;
  WithState(contents.metadata, path, [&](const json& state) { ParseState(state, checkpoint); });
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

std::optional<Shards> ShardsOf(const std::string& path) {
  std::optional<Shards> shards;
  const MappedFile file(path);
  WithState(ViewSafetensors(file.contents(), path).metadata, path,
            [&](const json& state) { shards = ParseShards(state); });
  return shards;
}

}  // namespace orbit::io
