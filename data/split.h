// Splits of a data set.
#ifndef ORBIT_DATA_SPLIT_H_
#define ORBIT_DATA_SPLIT_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace orbit {

enum class Split : uint8_t { kTrain, kValid, kTest };
inline constexpr std::array kSplits = {Split::kTrain, Split::kValid, Split::kTest};

std::string NameOf(Split split);            // "train", "valid", "test"
Split ParseSplit(const std::string& name);  // throws Error for other names

// The numbers of the examples in every split, in ascending order.
using SplitNumbers = std::array<std::vector<int64_t>, kSplits.size()>;

// Draws splits of `count` examples without replacement, as a function of the seed. The shares `valid` and `test` are
// rounded to whole examples; the rest is for training. Throws Error if a share is negative or no training examples are
// left.
SplitNumbers DrawSplits(int64_t count, double valid, double test, int64_t seed);

}  // namespace orbit

#endif  // ORBIT_DATA_SPLIT_H_
