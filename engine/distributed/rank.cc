#include "engine/distributed/rank.h"

#include <charconv>
#include <cstdlib>
#include <vector>

#include "kernels/error.h"

namespace orbit {
namespace {

// The variables in which a launcher tells a process which one it is.
struct Launcher {
  const char* name;
  std::vector<const char*> rank, world, local_rank, job;  // the first that is set counts
  const char* only_with = nullptr;                        // the others mean nothing without this one
};

constexpr char kPmi[] = "mpirun (PMI)", kSrun[] = "srun";

const std::vector<Launcher>& Launchers() {
  static const auto* launchers = new std::vector<Launcher>{
      {"RANK and WORLD_SIZE", {"RANK"}, {"WORLD_SIZE"}, {"LOCAL_RANK"}, {"ORBIT_JOB", "TORCHELASTIC_RUN_ID"}},
      {"mpirun (Open MPI)",
       {"OMPI_COMM_WORLD_RANK"},
       {"OMPI_COMM_WORLD_SIZE"},
       {"OMPI_COMM_WORLD_LOCAL_RANK"},
       {"ORBIT_JOB", "PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"}},
      {kPmi,
       {"PMI_RANK"},
       {"PMI_SIZE"},
       {"MPI_LOCALRANKID", "PALS_LOCAL_RANKID", "SLURM_LOCALID"},
       {"ORBIT_JOB", "PMI_JOBID", "SLURM_JOB_ID"}},
      {kSrun,
       {"SLURM_PROCID"},
       {"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"},
       {"SLURM_LOCALID"},
       {"ORBIT_JOB", "SLURM_JOB_ID"},
       "SLURM_STEP_ID"},
  };
  return *launchers;
}

class Reader {
 public:
  explicit Reader(const Environment& environment) : environment_(environment) {}

  std::string Text(const std::vector<const char*>& variables) const {
    for (const char* variable : variables)
      if (const char* value = environment_(variable); value && *value) return value;
    return "";
  }

  std::optional<int> Number(const std::vector<const char*>& variables) const {
    for (const char* variable : variables) {
      const char* value = environment_(variable);
      if (!value || !*value) continue;
      const std::string text = value;
      int number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      Check(error == std::errc() && end == text.data() + text.size() && number >= 0, variable, "=", text,
            " is no number of a rank");
      return number;
    }
    return {};
  }

  bool Started(const Launcher& launcher) const {
    return !Text(launcher.rank).empty() && (!launcher.only_with || !Text({launcher.only_with}).empty());
  }

 private:
  const Environment& environment_;
};

JobRank ReadLauncher(const Launcher& launcher, const Reader& read) {
  const std::optional<int> rank = read.Number(launcher.rank), world = read.Number(launcher.world),
                           local_rank = read.Number(launcher.local_rank);
  Check(world.has_value(), launcher.rank[0], "=", *rank, " is set, but not ", launcher.world[0],
        ", the number of ranks");
  Check(local_rank || *world == 1, launcher.rank[0], "=", *rank, " is set, but not ", launcher.local_rank[0],
        ", the rank's number among those of its machine");
  return {*rank, *world, local_rank.value_or(0), "", read.Text(launcher.job), launcher.name};
}

// srun with PMI-2 sets PMI_RANK as well: where the numbers are those of srun's task, srun is the launcher.
bool IsOfSrun(const JobRank& of_pmi, const Launcher& srun, const Reader& read) {
  return read.Started(srun) && read.Number(srun.rank) == of_pmi.rank && read.Number(srun.world) == of_pmi.world;
}

// A port below those that systems give out by themselves, the same in all processes of a job.
int PortOf(const std::string& job) {
  uint32_t hash = 2166136261u;  // FNV-1a
  for (const unsigned char c : job) hash = (hash ^ c) * 16777619u;
  return 15000 + static_cast<int>(hash % 15000);
}

std::string FindRendezvous(const JobRank& ranks, const Reader& read) {
  if (const std::string place = read.Text({"ORBIT_RENDEZVOUS"}); !place.empty()) return place;
  const std::string address = read.Text({"MASTER_ADDR"}), port = read.Text({"MASTER_PORT"});
  if (!address.empty() && !port.empty()) return "tcp://" + address + ":" + port;

  std::string host = address;
  std::string job = ranks.job;
  if (ranks.source == kSrun) {
    if (host.empty()) host = FirstHost(read.Text({"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST"}));
    job += "." + read.Text({"SLURM_STEP_ID"});
  } else if (host.empty() && read.Number({"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"}) == ranks.world) {
    host = "127.0.0.1";
  }
  Check(!host.empty() && !job.empty(), ranks.world,
        " ranks need a place to meet: --rendezvous tcp://HOST:PORT, where HOST is rank 0's, or file:///PATH of a file "
        "that all can reach; or MASTER_ADDR and MASTER_PORT, the same for all ranks");
  return "tcp://" + host + ":" + (port.empty() ? std::to_string(PortOf(job)) : port);
}

}  // namespace

std::string FirstHost(const std::string& hosts) {
  std::string host;
  bool inside = false;  // of brackets
  for (const char c : hosts) {
    if (c == '[')
      inside = true;
    else if (c == ',' || c == ']' || (inside && c == '-'))
      break;
    else
      host += c;
  }
  // What follows the brackets belongs to the name: "rack[1-2]n0".
  const size_t open = hosts.find('['), close = hosts.find(']'), comma = hosts.find(',');
  if (open != std::string::npos && close != std::string::npos && open < comma)
    host += hosts.substr(close + 1, hosts.find_first_of(",[", close) - close - 1);
  return host;
}

JobRank FindJobRank(const RankFlags& flags) {
  return FindJobRank(flags, [](const char* variable) { return std::getenv(variable); });
}

JobRank FindJobRank(const RankFlags& flags, const Environment& environment) {
  const Reader read(environment);
  JobRank ranks;
  for (const Launcher& launcher : Launchers()) {
    if (!read.Started(launcher)) continue;
    const JobRank found = ReadLauncher(launcher, read);
    if (launcher.name == kPmi && IsOfSrun(found, Launchers().back(), read)) continue;
    if (ranks.source.empty()) {
      ranks = found;
      // A launcher inside of another one's process, which counts: mpirun on nodes that srun reached, torchrun.
      if (&launcher != &Launchers().front() || !ranks.job.empty()) break;
      continue;
    }
    Check((ranks.rank == found.rank && ranks.world == found.world) || flags.rank,
          "RANK and WORLD_SIZE in the environment say rank ", ranks.rank, " of ", ranks.world, ", ", found.source,
          " says rank ", found.rank, " of ", found.world, "; unset RANK and WORLD_SIZE, or give --rank and --world");
    ranks.job = found.job;
    break;
  }

  Check(flags.rank.has_value() == flags.world.has_value(), "--rank and --world go together");
  if (flags.rank) {
    ranks.rank = *flags.rank;
    ranks.world = *flags.world;
    ranks.local_rank = 0;
    ranks.source = "--rank and --world";
    Check(flags.local_rank || ranks.world == 1,
          "--rank and --world of several ranks need --local-rank too, the rank's ",
          "number among those of its machine");
  }
  if (flags.local_rank) ranks.local_rank = *flags.local_rank;
  Check(ranks.world >= 1 && 0 <= ranks.rank && ranks.rank < ranks.world && 0 <= ranks.local_rank &&
            ranks.local_rank < ranks.world,
        "there is no rank ", ranks.rank, " of ", ranks.world, " with local rank ", ranks.local_rank, ", which ",
        ranks.source, " asked for; ranks count from 0");
  if (!flags.rendezvous.empty())
    ranks.rendezvous = flags.rendezvous;
  else if (ranks.world > 1)
    ranks.rendezvous = FindRendezvous(ranks, read);
  return ranks;
}

}  // namespace orbit
