#include "engine/distributed/make_communicator.h"

#include "kernels/error.h"

namespace orbit {

std::shared_ptr<Communicator> MakeCommunicator(const CommunicatorOptions& options, Device device) {
  Check(options.ranks.world == 1, options.ranks.world, " ranks on ", NameOf(device), ": there is no library for them");
  return MakeSingleProcess();
}

}  // namespace orbit
