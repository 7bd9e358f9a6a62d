// Which of a job's processes this one is, as launchers say it.
#ifndef ORBIT_ENGINE_DISTRIBUTED_RANK_H_
#define ORBIT_ENGINE_DISTRIBUTED_RANK_H_

#include <functional>
#include <optional>
#include <string>

namespace orbit {

struct JobRank {
  int rank = 0;
  int world = 1;
  int local_rank = 0;      // among the ranks of the machine
  std::string rendezvous;  // where the ranks meet: "tcp://host:port" or "file:///path"
  std::string job;         // tells jobs that meet at the same place apart; empty: not known
  std::string source;      // who said so, for messages: "srun", "the flags" ...
};

// What a user said; it precedes the launcher's word.
struct RankFlags {
  std::optional<int> rank, world, local_rank;
  std::string rendezvous;
};

using Environment = std::function<const char*(const char* variable)>;  // null where it is not set

// Reads the environment of torchrun and //tools:launch (RANK, WORLD_SIZE, LOCAL_RANK), Open MPI (OMPI_COMM_WORLD_RANK
// ...), MPICH and Intel MPI (PMI_RANK, PMI_SIZE, MPI_LOCALRANKID) or srun (SLURM_PROCID, SLURM_STEP_NUM_TASKS,
// SLURM_LOCALID). A process that none of them started, as the script that sbatch runs, is the only rank.
//
// The ranks meet where ORBIT_RENDEZVOUS says, or at MASTER_ADDR and MASTER_PORT. Without these, ranks of srun meet on
// the first host of the step, and ranks that mpirun started on one machine meet there, at a port made of the job's
// name.
//
// Throws Error for numbers that are missing, out of range or contradict each other, and for several ranks without a
// place to meet.
JobRank FindJobRank(const RankFlags& flags = {});
JobRank FindJobRank(const RankFlags& flags, const Environment& environment);

// The first host of a list such as "node[03-05,9],login" (node03), as Slurm writes it.
std::string FirstHost(const std::string& hosts);

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISTRIBUTED_RANK_H_
