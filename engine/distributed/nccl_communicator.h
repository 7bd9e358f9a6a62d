// Collectives on GPUs, by NCCL, on a stream of their own.
#ifndef ORBIT_ENGINE_DISTRIBUTED_NCCL_COMMUNICATOR_H_
#define ORBIT_ENGINE_DISTRIBUTED_NCCL_COMMUNICATOR_H_

#include <memory>
#include <string>

#include "engine/distributed/communicator.h"
#include "engine/distributed/session.h"

namespace orbit {

// Tensors have to be on `device`: a GPU or, with a double of NCCL, the emulator. NCCL itself would add bf16 in bf16:
// its ranks send each other the parts instead, which the device adds in f32 (SideQueue::AddParts), in as much memory
// again. `interface`, unless it is empty, is what NCCL_SOCKET_IFNAME is set to where it is not set yet. Throws Error if
// there is no NCCL, or the ranks do not come together.
//
// No call waits for NCCL: a thread watches what is under way, and aborts NCCL when it reports an error, an operation is
// overdue or the job has failed, so that the device and whoever waits for it go on.
std::shared_ptr<Communicator> MakeNcclCommunicator(std::unique_ptr<Session> session, Device device,
                                                   const std::string& interface);

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISTRIBUTED_NCCL_COMMUNICATOR_H_
