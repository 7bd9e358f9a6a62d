#include "engine/io/checkpoint_shards.h"

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "engine/io/atomic_file.h"
#include "engine/io/checksum.h"

namespace orbit::io {
namespace {

using nlohmann::json;

// What the names of all shards of the checkpoint at `path` begin with.
std::string Prefix(const std::string& path) { return std::filesystem::path(path).stem().string() + ".optimizer-"; }

std::string NameOfShard(const Shards& shards, int64_t rank) {
  return shards.set + "-" + std::to_string(rank) + "-of-" + std::to_string(shards.world) + ".safetensors";
}

// The path of a file beside that at `path`.
std::string Beside(const std::string& path, const std::string& name) {
  return std::filesystem::path(path).replace_filename(name).string();
}

// The names in the directory of `path`. Opening a directory by its own name has network file systems ask the server for
// what is new in it. They may not ask for a single file that was not there before, nor for "DIRECTORY/.".
std::set<std::string> NamesBeside(const std::string& path) {
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(DirectoryOf(path), ignored))
    names.insert(entry.path().filename().string());
  return names;
}

// What a shard says of itself.
std::string Describe(const Shards& shards, int64_t rank) {
  return json{{"set", shards.set}, {"rank", rank}, {"world", shards.world}}.dump();
}

}  // namespace

std::string NameShards(const std::string& path, const std::string& job, int64_t step) {
  return Prefix(path) + job + "-" + std::to_string(step);
}

void SaveShard(const std::string& path, const Checkpoint& checkpoint, int64_t rank) {
  const Shards& shards = checkpoint.shards.value();
  const std::string file = Beside(path, NameOfShard(shards, rank));
  if (std::filesystem::exists(file)) return;
  RemovePartialFiles(file);
  WriteChecksummed(file, {.tensors = checkpoint.optimizer, .metadata = {{"shard", Describe(shards, rank)}}});
}

std::vector<std::string> MissingShards(const std::string& path, const Shards& shards) {
  const std::set<std::string> there = NamesBeside(path);
  std::vector<std::string> missing;
  for (int64_t rank = 0; rank < shards.world; ++rank)
    if (std::string name = NameOfShard(shards, rank); !there.contains(name)) missing.push_back(std::move(name));
  return missing;
}

void RemoveOtherShards(const std::string& path, const std::optional<Shards>& newest) {
  std::optional<Shards> named;
  try {
    if (std::filesystem::exists(path)) named = ShardsOf(path);
  } catch (const std::exception&) {
    return;
  }
  const auto is_newest = [&](const std::string& name) {
    if (!newest) return false;
    const size_t step = newest->set.rfind('-') + 1;
    const auto step_of = [&](const std::string& text) { return std::strtoll(text.c_str() + step, nullptr, 10); };
    return name.starts_with(newest->set.substr(0, step)) && step_of(name) >= step_of(newest->set);
  };
  std::error_code ignored;
  for (const std::string& name : NamesBeside(path))
    if (name.starts_with(Prefix(path)) && !is_newest(name) && !(named && name.starts_with(named->set + "-")))
      std::filesystem::remove(Beside(path, name), ignored);
}

std::vector<TensorMap> LoadShards(const std::string& path, const Shards& shards, const FileReader& read) {
  std::vector<TensorMap> loaded;
  for (int64_t rank = 0; rank < shards.world; ++rank) {
    const std::string file = Beside(path, NameOfShard(shards, rank));
    try {
      Safetensors contents = ReadChecksummed(file, read);
      const std::string& found = contents.metadata["shard"];
      Check(found == Describe(shards, rank), file, " is of another checkpoint: it says '", found, "', not ",
            Describe(shards, rank));
      loaded.push_back(std::move(contents.tensors));
    } catch (const Error& error) {
      Fail("cannot use the optimiser's state of the checkpoint ", path, ", which ", shards.world,
           " ranks have written: ", error.what());
    }
  }
  return loaded;
}

}  // namespace orbit::io
