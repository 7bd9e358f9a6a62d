// PairSet: the pairs of things that nothing has told apart yet, a bit a pair.
#ifndef ORBIT_TOOLS_SEPARATION_PAIR_SET_H_
#define ORBIT_TOOLS_SEPARATION_PAIR_SET_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "tools/separation/mean_interval.h"

namespace orbit {

class PairSet {
 public:
  explicit PairSet(int64_t things);  // no pairs

  void Insert(int64_t a, int64_t b);
  // Removes every pair whose two intervals, one of each thing, have no point in common. In things^2 / 32 operations on
  // words, whatever the number of pairs.
  void RemoveDisjoint(const std::vector<Interval>& intervals);

  int64_t size() const;
  std::vector<bool> Members() const;                                   // by thing: whether it is in a pair
  std::vector<std::pair<int64_t, int64_t>> First(int64_t most) const;  // (a, b) with a < b, in their order

 private:
  // Removes (a, b) from a's row for every b that ends before a begins.
  void RemoveBefore(const std::vector<double>& begins, const std::vector<double>& ends);

  int64_t things_, words_;
  std::vector<uint64_t> rows_;  // [things, words]: bit b of row a, and bit a of row b
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_SEPARATION_PAIR_SET_H_
