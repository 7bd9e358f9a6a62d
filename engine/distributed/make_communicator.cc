#include "engine/distributed/make_communicator.h"

#include <unistd.h>

#include <filesystem>

#include "engine/distributed/gloo_communicator.h"
#include "engine/distributed/nccl_communicator.h"
#include "engine/distributed/session.h"
#include "kernels/error.h"

namespace orbit {

std::shared_ptr<Communicator> MakeCommunicator(const CommunicatorOptions& options, Device device) {
  if (options.ranks.world == 1 && options.library.empty()) return MakeSingleProcess();
  const std::string library = !options.library.empty()           ? options.library
                              : device.type == DeviceType::kCuda ? "nccl"
                                                                 : "gloo";
  Check(library == "gloo" || library == "nccl", "there is no library '", library,
        "' for collectives; there are gloo and nccl");
  JobRank ranks = options.ranks;
  if (ranks.world == 1 && ranks.rendezvous.empty())
    ranks.rendezvous =
        "file://" + (std::filesystem::temp_directory_path() / "orbit-rank-").string() + std::to_string(getpid());
  auto session = std::make_unique<Session>(ranks, options.interface, options.deadline);
  if (library == "nccl") return MakeNcclCommunicator(std::move(session), device, options.interface);
  return MakeGlooCommunicator(std::move(session));
}

}  // namespace orbit
