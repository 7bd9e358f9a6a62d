// Runs a function as the ranks of a job: processes of their own, on this machine.
#ifndef ORBIT_TESTS_ENGINE_DISTRIBUTED_RUN_RANKS_H_
#define ORBIT_TESTS_ENGINE_DISTRIBUTED_RUN_RANKS_H_

#include <functional>
#include <string>
#include <vector>

#include "engine/distributed/make_communicator.h"

namespace orbit {

struct RankResult {
  int status = 0;      // of exit; minus the number of the signal that ended it
  std::string output;  // what the function returned, or the message of its exception
  double seconds = 0;  // from the start until the end
};

// An address at which nobody else meets.
std::string NewRendezvous();

// Runs `rank(i)` in `count` processes. One that throws has the status 1. Those that are left after `most_seconds` are
// killed. Must be called before the process has threads of its own.
std::vector<RankResult> RunProcesses(int count, const std::function<std::string(int)>& rank, double most_seconds = 60);

// The same for functions of a communicator. options.ranks is filled in, but for what is not empty.
std::vector<RankResult> RunRanks(int world, CommunicatorOptions options, Device device,
                                 const std::function<std::string(Communicator&)>& rank);

}  // namespace orbit

#endif  // ORBIT_TESTS_ENGINE_DISTRIBUTED_RUN_RANKS_H_
