#include "kernels/simt/schedule.h"

#include <algorithm>
#include <numeric>

namespace orbit::kernels::simt {
namespace {

struct Seed {
  uint64_t seed = 0, launches = 0;
};

Seed& CurrentSeed() {
  thread_local Seed seed;
  return seed;
}

}  // namespace

void SetSeed(uint64_t seed) { CurrentSeed() = {seed, 0}; }

Schedule Schedule::Next() {
  auto& [seed, launches] = CurrentSeed();
  const Policy policy =
      static_cast<Policy>(seed < 3 ? seed : static_cast<uint64_t>(Policy::kWarpAhead) + (seed - 3) % 3);
  return Schedule(policy, seed * 0x9e3779b97f4a7c15u + launches++);
}

std::vector<int64_t> Schedule::BlockOrder(int64_t count) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  if (policy_ == Policy::kLast) std::reverse(order.begin(), order.end());
  if (policy_ > Policy::kLast) std::shuffle(order.begin(), order.end(), random_);
  return order;
}

void Schedule::BeginBlock(int threads) {
  const int warps = (threads + 31) / 32;
  rank_.resize(policy_ == Policy::kWarpAhead ? warps : threads);
  std::iota(rank_.begin(), rank_.end(), 0);
  if (policy_ == Policy::kWarpAhead || policy_ == Policy::kThreadAhead)
    std::shuffle(rank_.begin(), rank_.end(), random_);
}

uint64_t Schedule::Key(int thread) {
  ++count_;
  switch (policy_) {
    case Policy::kInTurn:
      return count_;
    case Policy::kFirst:
      return thread;
    case Policy::kLast:
      return ~static_cast<uint64_t>(thread);
    case Policy::kWarpAhead:
      return rank_[thread / 32] << 48 | count_;
    case Policy::kThreadAhead:
      return rank_[thread];
    case Policy::kAny:
      break;
  }
  return random_();
}

}  // namespace orbit::kernels::simt
