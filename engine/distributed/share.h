// What ranks do together beside their tensors' operations.
#ifndef ORBIT_ENGINE_DISTRIBUTED_SHARE_H_
#define ORBIT_ENGINE_DISTRIBUTED_SHARE_H_

#include <functional>
#include <string>

#include "engine/distributed/communicator.h"
#include "engine/variable.h"

namespace orbit {

// The sum of x over the ranks, for a loss that every rank computes of it in the same way. The gradients that a rank
// then has, of what its x depends on, add up over the ranks to those of the loss.
Variable SumOverRanks(const Variable& x, Communicator& ranks);

// The text of rank `root`, on all ranks. `device` is one that the communicator serves.
std::string ShareText(const std::string& text, int root, Communicator& ranks, Device device);

// Calls `work` on all ranks and returns when the last of them is done. They may take more time than the communicator's
// deadline, and different times, as for reading data or writing a file: they hear of each other all along. `work` must
// not use the communicator.
void AwaitAll(Communicator& ranks, Device device, const std::function<void()>& work);

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISTRIBUTED_SHARE_H_
