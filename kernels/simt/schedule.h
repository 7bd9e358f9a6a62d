// Schedules: which thread of a block runs next, drawn from a seed.
#ifndef ORBIT_KERNELS_SIMT_SCHEDULE_H_
#define ORBIT_KERNELS_SIMT_SCHEDULE_H_

#include <cstdint>
#include <random>
#include <vector>

namespace orbit::kernels::simt {

// The seed of the launches that the calling thread makes from now on; 0 at first. The same seed before the same
// launches gives the same schedules.
//
//   0   all threads in turn
//   1   the first threads run as far ahead as their barriers allow; 2: the last ones
//   3.. in turn: a warp drawn at random runs ahead of all others; a thread drawn at random does, also of its own warp;
//   any
//       thread that can runs next, and atomic operations let others run before
void SetSeed(uint64_t seed);

class Schedule {
 public:
  static Schedule Next();  // of the calling thread's next launch

  // The order of a launch's blocks: numbers below `count`.
  std::vector<int64_t> BlockOrder(int64_t count);
  void BeginBlock(int threads);
  // Drawn whenever a thread becomes able to run; the one with the least key runs next.
  uint64_t Key(int thread);
  bool YieldsAtAtomics() const { return policy_ == Policy::kAny; }

 private:
  enum class Policy { kInTurn, kFirst, kLast, kWarpAhead, kThreadAhead, kAny };

  Schedule(Policy policy, uint64_t seed) : policy_(policy), random_(seed) {}

  Policy policy_;
  std::mt19937_64 random_;
  uint64_t count_ = 0;
  std::vector<uint64_t> rank_;  // of each thread, or of its warp
};

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_SCHEDULE_H_
