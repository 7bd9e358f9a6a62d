// Collectives on processors: by Gloo over TCP, in a worker thread. Tensors of other devices pass through the host.
#ifndef ORBIT_ENGINE_DISTRIBUTED_GLOO_COMMUNICATOR_H_
#define ORBIT_ENGINE_DISTRIBUTED_GLOO_COMMUNICATOR_H_

#include <memory>

#include "engine/distributed/communicator.h"
#include "engine/distributed/session.h"

namespace orbit {

// A sum is taken in the order of the ranks: every rank receives all ranks' elements of its own part of the tensor, adds
// them and sends the result to all. Each sends 2 (n - 1) / n of a tensor's bytes, as in a ring.
std::shared_ptr<Communicator> MakeGlooCommunicator(std::unique_ptr<Session> session);

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISTRIBUTED_GLOO_COMMUNICATOR_H_
