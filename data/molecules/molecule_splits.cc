#include "data/molecules/molecule_splits.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "data/io/pickle_file.h"
#include "data/molecules/molecule.h"
#include "data/molecules/smiles_list.h"
#include "data/packed_cache.h"

namespace orbit {
namespace {

// The scaffold's number for each of these molecules; scaffolds are numbered in the order in which they first come.
std::vector<int64_t> ScaffoldNumbers(const std::vector<std::string>& smiles, const ShareDone& progress) {
  std::vector<std::string> scaffolds(smiles.size());
  ForEachSmiles(
      static_cast<int64_t>(smiles.size()), [&](int64_t i) { scaffolds[i] = MurckoScaffold(smiles[i]); }, progress);
  std::map<std::string, int64_t> known;
  std::vector<int64_t> numbers;
  for (const std::string& scaffold : scaffolds)
    numbers.push_back(known.emplace(scaffold, static_cast<int64_t>(known.size())).first->second);
  return numbers;
}

// Those of an array, a list or a tuple.
std::vector<int64_t> NumbersIn(const PickleFile& file, const std::string& path, const std::string& key) {
  const PickleValue* value = file.root().Find(key);
  if (value != nullptr && IsTensor(*value)) return file.ToTensor(*value).ToVector<int64_t>();
  std::vector<int64_t> numbers;
  bool is_list =
      value != nullptr && (value->kind == PickleValue::Kind::kList || value->kind == PickleValue::Kind::kTuple);
  for (size_t i = 0; is_list && i < value->items.size(); ++i) {
    is_list = value->items[i]->kind == PickleValue::Kind::kInt;
    numbers.push_back(value->items[i]->integer);
  }
  Check(is_list, path, " has no array or list of numbers of the split '", key, "'");
  return numbers;
}

}  // namespace

SplitNumbers ReadSplitFile(const std::string& path, int64_t count) {
  const PickleFile file(path);
  SplitNumbers splits;
  std::vector<bool> taken(count);
  for (const Split split : kSplits) {
    const std::string key = split == Split::kValid && file.root().Find("val") != nullptr ? "val" : NameOf(split);
    std::vector<int64_t>& numbers = splits[static_cast<size_t>(split)];
    numbers = NumbersIn(file, path, key);
    std::sort(numbers.begin(), numbers.end());
    for (const int64_t number : numbers) {
      Check(number >= 0 && number < count, path, ": the split '", key, "' has the molecule ", number, " of ", count);
      Check(!taken[number], path, ": the molecule ", number, " is in a split twice");
      taken[number] = true;
    }
  }
  return splits;
}

SplitNumbers ScaffoldSplits(const std::vector<std::string>& smiles, const std::vector<int64_t>& numbers, double valid,
                            double test, const ShareDone& progress) {
  Check(valid >= 0 && test >= 0 && valid + test < 1, "shares of ", valid, " to validate on and ", test,
        " to test on leave none to train on");
  std::vector<std::string> own;
  for (const int64_t number : numbers) own.push_back(smiles.at(number));
  const PackedArrays packed =
      LoadPacked({.name = "scaffolds", .digest = DigestOf(own), .version = "RDKit " + RdkitVersion()}, [&] {
        return TensorMap{
            {"scaffolds", Tensor::From(ScaffoldNumbers(own, progress), {static_cast<int64_t>(own.size())})}};
      });
  std::vector<std::vector<int64_t>> sets;  // of molecules, by scaffold
  const std::span<const int64_t> scaffolds = packed.Get<int64_t>("scaffolds");
  for (size_t i = 0; i < scaffolds.size(); ++i) {
    const auto scaffold = static_cast<size_t>(scaffolds[i]);
    if (scaffold >= sets.size()) sets.resize(scaffold + 1);
    sets[scaffold].push_back(numbers[i]);
  }
  std::stable_sort(sets.begin(), sets.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });

  const auto count = static_cast<int64_t>(numbers.size());
  const auto part = [&](double share) { return std::llround(share * static_cast<double>(count)); };
  const int64_t room_to_both = count - part(test), room_to_train = room_to_both - part(valid);
  SplitNumbers splits;
  auto& [to_train, to_valid, to_test] = splits;
  for (const std::vector<int64_t>& set : sets) {
    const auto size_of = [](const std::vector<int64_t>& molecules) { return static_cast<int64_t>(molecules.size()); };
    const int64_t trained = size_of(to_train) + size_of(set), both = trained + size_of(to_valid);
    std::vector<int64_t>& split = trained <= room_to_train ? to_train : both <= room_to_both ? to_valid : to_test;
    split.insert(split.end(), set.begin(), set.end());
  }
  Check(!to_train.empty(), "a split by scaffolds leaves none to train on: ", sets.empty() ? 0 : sets[0].size(), " of ",
        numbers.size(), " molecules have the same scaffold, or no ring");
  for (std::vector<int64_t>& split : splits) std::sort(split.begin(), split.end());
  return splits;
}

}  // namespace orbit
