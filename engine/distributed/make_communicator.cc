#include "engine/distributed/make_communicator.h"

#include <exception>

#include "engine/distributed/gloo_communicator.h"
#include "engine/distributed/session.h"
#include "kernels/error.h"

namespace orbit {

std::shared_ptr<Communicator> MakeCommunicator(const CommunicatorOptions& options, Device /*device*/) {
  if (options.ranks.world == 1) return MakeSingleProcess();
  Check(options.library.empty() || options.library == "gloo", "there is no library '", options.library,
        "' for collectives; there is gloo");
  auto session = std::make_unique<Session>(options.ranks, options.interface, options.deadline);
  return MakeGlooCommunicator(std::move(session));
}

}  // namespace orbit
