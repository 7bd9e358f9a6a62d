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
std::string ShareText(std::string text, int root, Communicator& ranks, Device device);

// Whether it is so on any rank; all ranks ask together.
bool OnAnyRank(bool here, Communicator& ranks, Device device);

// Calls `work` on all ranks and returns when the last of them is done. They may take more time than the communicator's
// deadline, and different times, as for reading data or writing a file: they hear of each other all along. `work` must
// not use the communicator.
void AwaitAll(Communicator& ranks, Device device, const std::function<void()>& work);

// Tells whether something is asked for, such as a stop by a signal; for any thread to call at any time.
using Request = std::function<bool()>;

// The same for work that can be asked to stop. `asked` is this rank's request; `work` gets one that tells whether any
// rank has one, those of other ranks some tenths of a second late. Ranks may so stop at different places, or not at all
// where they were done.
void AwaitAll(Communicator& ranks, Device device, const Request& asked,
              const std::function<void(const Request& any_asked)>& work);

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISTRIBUTED_SHARE_H_
