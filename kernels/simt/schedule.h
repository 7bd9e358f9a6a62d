// Schedules: which thread of a block runs next, drawn from a seed.
#ifndef ORBIT_KERNELS_SIMT_SCHEDULE_H_
#define ORBIT_KERNELS_SIMT_SCHEDULE_H_

#include <cstdint>
#include <random>
#include <vector>

namespace orbit::kernels::simt {

// Sets the seed for the calling thread's next launches; initially 0. The same seed before the same launches gives the
// same schedules.
//
//   0    all threads in turn
//   1    the first threads run as far ahead as their barriers allow
//   2    the last threads run as far ahead as their barriers allow
//   3..  by seed % 3: a random warp runs ahead of all others (0); a random thread runs ahead of all others, its own
//        warp included (1); any thread that can run is next, and atomic operations let others run first (2)
void SetSeed(uint64_t seed);

class Schedule {
 public:
  static Schedule Next();  // for the calling thread's next launch

  // The order in which a launch's blocks run: a permutation of 0 .. count - 1.
  std::vector<int64_t> BlockOrder(int64_t count);
  void BeginBlock(int threads);
  // Drawn when a thread becomes able to run; the thread with the smallest key runs next.
  uint64_t Key(int thread);
  bool YieldsAtAtomics() const { return policy_ == Policy::kAny; }

 private:
  enum class Policy { kInTurn, kFirst, kLast, kWarpAhead, kThreadAhead, kAny };

  Schedule(Policy policy, uint64_t seed) : policy_(policy), random_(seed) {}

  Policy policy_;
  std::mt19937_64 random_;
  uint64_t count_ = 0;
  std::vector<uint64_t> rank_;  // per thread, or per warp
};

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_SCHEDULE_H_
