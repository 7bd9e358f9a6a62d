#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/batches.h"

namespace orbit {

std::string NameOf(Split split) {
  constexpr std::array kNames = {"train", "valid", "test"};
  return kNames.at(static_cast<size_t>(split));
}

Split ParseSplit(const std::string& name) {
  for (const Split split : kSplits)
    if (name == NameOf(split)) return split;
  Fail("unknown split '", name, "'; known: train, valid, test");
}

SplitNumbers DrawSplits(int64_t count, double valid, double test, int64_t seed) {
  Check(valid >= 0 && test >= 0 && valid + test < 1, "shares of ", valid, " to validate on and ", test,
        " to test on leave none to train on");
  const int64_t valid_count = std::llround(valid * static_cast<double>(count));
  const int64_t test_count = std::llround(test * static_cast<double>(count));
  const int64_t train_count = count - valid_count - test_count;
  Check(train_count > 0, count, " examples leave none to train on");
  const std::vector<int64_t> order =
      ShuffledBatches(Generator(static_cast<uint64_t>(seed)), count, count)(0).ToVector<int64_t>();
  SplitNumbers splits;
  auto begin = order.begin();
  for (const auto& [split, size] :
       {std::pair(Split::kTest, test_count), {Split::kValid, valid_count}, {Split::kTrain, train_count}}) {
    std::vector<int64_t>& numbers = splits[static_cast<size_t>(split)];
    numbers.assign(begin, begin + size);
    std::sort(numbers.begin(), numbers.end());
    begin += size;
  }
  return splits;
}

}  // namespace orbit
