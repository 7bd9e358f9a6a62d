#include "tools/separation/pair_set.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace orbit {
namespace {

std::vector<int64_t> Order(const std::vector<double>& values) {
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return values[a] < values[b]; });
  return order;
}

}  // namespace

PairSet::PairSet(int64_t things) : things_(things), words_((things + 63) / 64), rows_(things * words_) {}

void PairSet::Insert(int64_t a, int64_t b) {
  rows_[a * words_ + b / 64] |= uint64_t{1} << (b % 64);
  rows_[b * words_ + a / 64] |= uint64_t{1} << (a % 64);
}

void PairSet::RemoveDisjoint(const std::vector<Interval>& intervals) {
  std::vector<double> low, high, minus_low, minus_high;
  for (const Interval& interval : intervals) {
    low.push_back(interval.low);
    high.push_back(interval.high);
    minus_low.push_back(-interval.low);
    minus_high.push_back(-interval.high);
  }
  RemoveBefore(low, high);
  RemoveBefore(minus_high, minus_low);
}

void PairSet::RemoveBefore(const std::vector<double>& begins, const std::vector<double>& ends) {
  const std::vector<int64_t> by_begin = Order(begins), by_end = Order(ends);
  std::vector<uint64_t> ended(words_);
  auto next = by_end.begin();
  for (const int64_t a : by_begin) {
    for (; next != by_end.end() && ends[*next] < begins[a]; ++next) ended[*next / 64] |= uint64_t{1} << (*next % 64);
    for (int64_t w = 0; w < words_; ++w) rows_[a * words_ + w] &= ~ended[w];
  }
}

int64_t PairSet::size() const {
  int64_t bits = 0;
  for (const uint64_t word : rows_) bits += std::popcount(word);
  return bits / 2;
}

std::vector<bool> PairSet::Members() const {
  std::vector<bool> members(things_);
  for (int64_t a = 0; a < things_; ++a)
    members[a] = std::any_of(&rows_[a * words_], &rows_[a * words_] + words_, [](uint64_t word) { return word != 0; });
  return members;
}

std::vector<std::pair<int64_t, int64_t>> PairSet::First(int64_t most) const {
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (int64_t a = 0; a < things_; ++a)
    for (int64_t b = a + 1; b < things_; ++b)
      if (rows_[a * words_ + b / 64] >> (b % 64) & 1) {
        if (static_cast<int64_t>(pairs.size()) == most) return pairs;
        pairs.emplace_back(a, b);
      }
  return pairs;
}

}  // namespace orbit
