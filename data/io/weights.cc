#include "data/io/weights.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "data/io/pickle_file.h"
#include "engine/io/mapped_file.h"
#include "engine/io/safetensors.h"

namespace orbit {
namespace {

using Kind = PickleValue::Kind;

constexpr size_t kMostDepth = 4, kMostDictionaries = 1000, kMostKeysListed = 20;

// A dictionary of tensors within a file.
struct StateDict {
  std::string key;   // "" for the file's own; "a.b" for b within a
  std::string last;  // the last part of the key
  const PickleValue* dict;
};

// The items of a dictionary, or else the attributes of an object; null for anything else.
const PickleValue* ItemsOf(const PickleValue& value) {
  if (value.AsDict() != nullptr) return value.AsDict();
  return value.kind == Kind::kObject && value.state != nullptr && value.state->kind == Kind::kDict ? value.state
                                                                                                   : nullptr;
}

// The dictionaries in a file, each listed once, outer ones first.
std::vector<StateDict> FindDictionaries(const PickleValue& root) {
  std::vector<StateDict> found;
  std::set<const PickleValue*> seen;
  if (const PickleValue* items = ItemsOf(root)) found.push_back({"", "", items});
  size_t begin = 0;
  for (size_t depth = 1; depth < kMostDepth; ++depth)
    for (const size_t end = found.size(); begin < end; ++begin) {
      const StateDict outer = found[begin];
      for (size_t i = 0; i + 1 < outer.dict->items.size() && found.size() < kMostDictionaries; i += 2) {
        const PickleValue &key = *outer.dict->items[i], &value = *outer.dict->items[i + 1];
        const PickleValue* items = key.kind == Kind::kString && !IsTensor(value) ? ItemsOf(value) : nullptr;
        if (items != nullptr && seen.insert(items).second)
          found.push_back({outer.key.empty() ? key.bytes : outer.key + "." + key.bytes, key.bytes, items});
      }
    }
  return found;
}

// Smaller for keys that are more usual for a model's weights.
size_t Rank(const std::string& key) {
  constexpr std::string_view kKeys[] = {"", "state_dict", "model_state_dict", "model", "net", "network", "module"};
  const auto* found = std::find(std::begin(kKeys), std::end(kKeys), key);
  return static_cast<size_t>(found - std::begin(kKeys)) + (key.find("ema") != std::string::npos ? 1 : 0);
}

using PickledTensors = std::map<std::string, const PickleValue*>;

// The tensors of a dictionary, and everything else with a name that the model has.
PickledTensors TensorsOf(const StateDict& state, const TensorMap& model) {
  PickledTensors tensors;
  for (size_t i = 0; i + 1 < state.dict->items.size(); i += 2) {
    const PickleValue &key = *state.dict->items[i], &value = *state.dict->items[i + 1];
    if (key.kind == Kind::kString && (IsTensor(value) || model.contains(key.bytes))) tensors[key.bytes] = &value;
  }
  return tensors;
}

// How many names are the model's when `skipped` leading characters are removed.
template <class Map>
size_t CountFitting(const Map& named, size_t skipped, const TensorMap& model) {
  return static_cast<size_t>(std::count_if(
      named.begin(), named.end(), [&](const auto& entry) { return model.contains(entry.first.substr(skipped)); }));
}

// The common prefix of all names, up to a dot, without which one of them is the model's. Empty if a name is the model's
// without removing anything, or if no prefix helps.
template <class Map>
std::string PrefixOf(const Map& named, const TensorMap& model) {
  std::string prefix;
  while (!named.empty() && CountFitting(named, prefix.size(), model) == 0) {
    const std::string& first = named.begin()->first;
    const size_t dot = first.find('.', prefix.size());
    if (dot == std::string::npos) return "";
    prefix = first.substr(0, dot + 1);
    if (!std::all_of(named.begin(), named.end(), [&](const auto& entry) { return entry.first.starts_with(prefix); }))
      return "";
  }
  return prefix;
}

std::string Keys(const PickleValue& root) {
  std::string keys;
  const PickleValue* items = ItemsOf(root);
  for (size_t i = 0; items != nullptr && i + 1 < items->items.size() && i < 2 * kMostKeysListed; i += 2) {
    const PickleValue& key = *items->items[i];
    keys += (keys.empty() ? " with the keys '" : ", '") +
            (key.kind == Kind::kInt ? std::to_string(key.integer) : key.bytes) + "'";
  }
  return keys + (items != nullptr && items->items.size() > 2 * kMostKeysListed ? ", ..." : "");
}

TensorMap ReadPickled(const std::string& path, const TensorMap& model, const Note& note) {
  const PickleFile file(path);
  struct Candidate {
    StateDict state;
    PickledTensors tensors;
    size_t fitting;
  };
  std::vector<Candidate> candidates;  // those with the most fitting names
  for (const StateDict& state : FindDictionaries(file.root())) {
    PickledTensors tensors = TensorsOf(state, model);
    if (tensors.empty()) continue;
    const size_t fitting = CountFitting(tensors, PrefixOf(tensors, model).size(), model);
    if (!candidates.empty() && fitting < candidates.front().fitting) continue;
    if (!candidates.empty() && fitting > candidates.front().fitting) candidates.clear();
    candidates.push_back({state, std::move(tensors), fitting});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return Rank(a.state.last) < Rank(b.state.last); });
  const std::string holds =
      path + " holds a " + (IsTensor(file.root()) ? "tensor" : Describe(file.root())) + Keys(file.root());
  Check(!candidates.empty(), holds, ": no tensors in a dictionary, which is what a model's state_dict() gives");
  const Candidate& best = candidates.front();
  Check(best.fitting > 0 || best.state.key.empty(), holds,
        ": none of its dictionaries has this model's names, such as ", model.empty() ? "" : model.begin()->first);
  if (!best.state.key.empty()) {
    std::string said = path + ": the weights under '" + best.state.key + "' are read";
    for (size_t i = 1; i < candidates.size(); ++i)
      said += (i == 1 ? ", not those under '" : "', '") + candidates[i].state.key;
    note(said + (candidates.size() > 1 ? "'" : ""));
  }
  TensorMap tensors;
  for (const auto& [name, value] : best.tensors) {
    try {
      tensors[name] = file.ToTensor(*value);
    } catch (const Error& error) {
      Fail(path, ": '", name, "': ", error.what());
    }
  }
  return tensors;
}

TensorMap ReadSafe(std::span<const std::byte> contents, const std::string& path) {
  TensorMap tensors = io::ParseSafetensors(contents, path).tensors;
  TensorMap ours;  // a checkpoint also holds the optimiser's state
  for (const auto& [name, tensor] : tensors)
    if (name.starts_with("model/")) ours.emplace(name.substr(6), tensor);
  return ours.empty() ? tensors : ours;
}

}  // namespace

TensorMap ReadWeights(const std::string& path, const TensorMap& model, const Note& note) {
  const TensorMap tensors = [&] {
    const io::MappedFile file(path);
    return io::IsSafetensors(file.contents(), path) ? ReadSafe(file.contents(), path) : ReadPickled(path, model, note);
  }();
  const std::string prefix = PrefixOf(tensors, model);
  if (prefix.empty()) return tensors;
  note(path + ": the prefix '" + prefix + "' that all names share is taken off");
  TensorMap renamed;
  for (const auto& [name, tensor] : tensors) renamed.emplace(name.substr(prefix.size()), tensor);
  return renamed;
}

}  // namespace orbit
