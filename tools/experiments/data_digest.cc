#include "tools/experiments/data_digest.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <sstream>

#include "kernels/error.h"

namespace orbit {
namespace {

constexpr int64_t kMostExamples = 1000, kMostValues = 4'000'000;  // of a split
constexpr int64_t kAtOnce = 50;                                   // examples
constexpr double kTolerance = 1e-5;                               // relative to the root of the sum of squares
constexpr double kNotANumber = 0.7;                               // stands for targets that are not known
// A split's numbers: its size; the sum and the squares of inputs; those of targets.
constexpr size_t kSum[] = {1, 3}, kNumbers = 5;

// Within ±[1/2, 3/2): so any change of a value changes the sum, and so does almost any exchange of two.
double WeightOf(uint64_t place) {  // by SplitMix64 (Steele, Lea and Flood, 2014)
  uint64_t bits = (place + 1) * 0x9e3779b97f4a7c15;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  bits ^= bits >> 31;
  const double size = 0.5 + static_cast<double>(bits >> 11) * 0x1p-53;
  return (bits & 1) == 0 ? size : -size;
}

struct Projection {
  double sum = 0, squares = 0;
  uint64_t values = 0;

  void Add(const Tensor& x) {
    for (double value : x.To(Device{}).To(DType::kF64).ToVector<double>()) {
      if (!std::isfinite(value)) value = kNotANumber;
      sum += WeightOf(values++) * value;
      squares += value * value;
    }
  }
};

struct SplitProjections {
  Projection inputs, targets;

  void Add(Batch batch) {
    if (batch.target.defined()) targets.Add(batch.target);
    batch.target = Tensor();
    batch.Copied([&](const Tensor& tensor) {
      if (tensor.defined()) inputs.Add(tensor);
      return tensor;
    });
  }
  int64_t values() const { return static_cast<int64_t>(inputs.values + targets.values); }
};

// The examples of a split that are looked at.
std::vector<int64_t> Chosen(const Experiment& experiment, Split split) {
  SplitProjections first;
  first.Add(experiment.Load(split, Tensor::From(std::vector<int64_t>{0}, {1})));
  const int64_t size = experiment.size(split),
                count = std::min({size, kMostExamples, 1 + kMostValues / std::max<int64_t>(1, first.values())});
  std::vector<int64_t> chosen(count);
  for (int64_t i = 0; i < count; ++i) chosen[i] = i * size / count;
  return chosen;
}

SplitProjections Project(const Experiment& experiment, Split split) {
  SplitProjections projections;
  if (experiment.size(split) == 0) return projections;
  const std::vector<int64_t> chosen = Chosen(experiment, split);
  for (size_t begin = 0; begin < chosen.size(); begin += kAtOnce) {
    const std::vector<int64_t> part(chosen.begin() + begin, chosen.begin() + std::min(chosen.size(), begin + kAtOnce));
    projections.Add(experiment.Load(split, Tensor::From(part, {std::ssize(part)})));
  }
  return projections;
}

}  // namespace

DataDigest::DataDigest(const Experiment& experiment) {
  for (const Split split : kSplits) {
    const auto [inputs, targets] = Project(experiment, split);
    numbers_.insert(numbers_.end(), {static_cast<double>(experiment.size(split)), inputs.sum, inputs.squares,
                                     targets.sum, targets.squares});
  }
}

DataDigest DataDigest::FromNumbers(const std::vector<double>& numbers) {
  Check(numbers.size() == kSplits.size() * kNumbers, "a digest of data has ", kSplits.size() * kNumbers,
        " numbers, not ", numbers.size());
  DataDigest digest;
  digest.numbers_ = numbers;
  return digest;
}

DataDigest DataDigest::Parse(const std::string& text) {
  std::istringstream words(text);
  std::vector<double> numbers;
  for (double number; words >> number;) numbers.push_back(number);
  Check(words.eof(), "no digest of data: ", text);
  return FromNumbers(numbers);
}

std::string DataDigest::ToText() const {
  std::string text;
  for (const double number : numbers_) {
    char word[40];
    std::snprintf(word, sizeof(word), "%.17g", number);
    text += (text.empty() ? "" : " ") + std::string(word);
  }
  return text;
}

std::string DataDigest::DifferenceFrom(const DataDigest& before) const {
  for (size_t i = 0; i < kSplits.size(); ++i) {
    const double *now = &numbers_[i * kNumbers], *then = &before.numbers_[i * kNumbers];
    const std::string split = "the split " + NameOf(kSplits[i]) + " has ";
    if (now[0] != then[0])
      return split + std::to_string(std::llround(now[0])) + " examples, not " + std::to_string(std::llround(then[0]));
    for (const size_t sum : kSum)
      if (!(std::abs(now[sum] - then[sum]) <= kTolerance * std::sqrt(then[sum + 1])))
        return split + "other " + (sum == kSum[0] ? "inputs" : "targets");
  }
  return "";
}

}  // namespace orbit
