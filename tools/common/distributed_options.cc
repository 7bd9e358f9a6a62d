#include "tools/common/distributed_options.h"

#include "tools/common/number.h"

namespace orbit {

void AddDistributedOptions(CLI::App& app, DistributedOptions& options) {
  constexpr char kGroup[] = "Several ranks";
  app.add_option("--rank", options.flags.rank,
                 "this process's number, from 0; with --world and --local-rank. By default they are what launch, "
                 "torchrun, srun or mpirun say in the environment")
      ->group(kGroup);
  app.add_option("--world", options.flags.world, "the number of ranks")->group(kGroup);
  app.add_option("--local-rank", options.flags.local_rank, "its number among the ranks of its machine")->group(kGroup);
  app.add_option("--rendezvous", options.flags.rendezvous,
                 "where the ranks meet: tcp://HOST:PORT, where HOST is rank 0's, or file:///PATH of a file that all "
                 "can reach (default: MASTER_ADDR and MASTER_PORT)")
      ->group(kGroup);
  app.add_option("--interface", options.interface,
                 "the network interface for the ranks' traffic (default: the one that reaches rank 0)")
      ->group(kGroup);
  app.add_option("--deadline", options.deadline,
                 "the seconds after which ranks that do not answer end the job on all ranks")
      ->group(kGroup)
      ->check(NumberIn(0.1, 1e6))
      ->capture_default_str();
  app.add_option("--collectives", options.library, "nccl or gloo (default: nccl on GPUs, gloo elsewhere)")
      ->group(kGroup)
      ->check(CLI::IsMember({"gloo", "nccl"}));
}

CommunicatorOptions FindCommunicatorOptions(const DistributedOptions& options) {
  return {FindJobRank(options.flags), options.interface, options.deadline, options.library};
}

}  // namespace orbit
