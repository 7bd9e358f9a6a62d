// Brings the ranks of a job together.
#ifndef ORBIT_ENGINE_DISTRIBUTED_MAKE_COMMUNICATOR_H_
#define ORBIT_ENGINE_DISTRIBUTED_MAKE_COMMUNICATOR_H_

#include <memory>
#include <string>

#include "engine/device.h"
#include "engine/distributed/communicator.h"
#include "engine/distributed/rank.h"

namespace orbit {

struct CommunicatorOptions {
  JobRank ranks;          // see FindJobRank
  std::string interface;  // of the network, such as "eth0"; empty: the one that reaches rank 0
  double deadline =
      60;               // the seconds within which an operation, or the meeting of the ranks, is complete or has failed
  std::string library;  // "gloo" or "nccl"; empty: NCCL for GPUs, Gloo for others
};

// Waits for the other ranks, which have to call this too. `device` is where the tensors are. Throws Error, within the
// deadline, if the ranks do not come together; the message says who is missing.
std::shared_ptr<Communicator> MakeCommunicator(const CommunicatorOptions& options, Device device);

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISTRIBUTED_MAKE_COMMUNICATOR_H_
