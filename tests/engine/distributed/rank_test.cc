// Ranks as launchers tell them.
#include "engine/distributed/rank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "kernels/error.h"

namespace orbit {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

using Variables = std::map<std::string, std::string>;

JobRank Find(const Variables& variables, const RankFlags& flags = {}) {
  return FindJobRank(flags, [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

void ExpectRanks(const JobRank& ranks, int rank, int world, int local_rank, const std::string& rendezvous) {
  EXPECT_EQ(ranks.rank, rank);
  EXPECT_EQ(ranks.world, world);
  EXPECT_EQ(ranks.local_rank, local_rank);
  EXPECT_EQ(ranks.rendezvous, rendezvous);
}

const Variables kTorchrun = {{"RANK", "3"},
                             {"WORLD_SIZE", "4"},
                             {"LOCAL_RANK", "1"},
                             {"MASTER_ADDR", "node1"},
                             {"MASTER_PORT", "29500"},
                             {"TORCHELASTIC_RUN_ID", "run"}};
const Variables kSrun = {{"SLURM_PROCID", "1"},  {"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_LOCALID", "0"},
                         {"SLURM_STEP_ID", "0"}, {"SLURM_JOB_ID", "77"},        {"SLURM_STEP_NODELIST", "gpu[07-08]"}};
const Variables kMpirun = {{"OMPI_COMM_WORLD_RANK", "1"},
                           {"OMPI_COMM_WORLD_SIZE", "2"},
                           {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                           {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                           {"PMIX_NAMESPACE", "1234"}};

Variables With(Variables variables, const Variables& more) {
  for (const auto& [name, value] : more) variables[name] = value;
  return variables;
}

TEST(Rank, IsTheOnlyOneWithoutALauncher) { ExpectRanks(Find({}), 0, 1, 0, ""); }

TEST(Rank, OfTorchrun) { ExpectRanks(Find(kTorchrun), 3, 4, 1, "tcp://node1:29500"); }

TEST(Rank, OfSrunMeetsOnTheFirstHost) {
  const JobRank ranks = Find(kSrun);
  EXPECT_THAT(ranks.rendezvous, testing::MatchesRegex("tcp://gpu07:[0-9]+"));
  ExpectRanks(ranks, 1, 2, 0, ranks.rendezvous);
  EXPECT_EQ(ranks.job, "77");
  // Two steps of one job do not meet each other.
  EXPECT_NE(Find(With(kSrun, {{"SLURM_STEP_ID", "1"}})).rendezvous, ranks.rendezvous);
  EXPECT_EQ(Find(With(kSrun, {{"MASTER_ADDR", "a"}, {"MASTER_PORT", "5"}})).rendezvous, "tcp://a:5");
}

TEST(Rank, TheScriptOfSbatchIsASingleProcess) {
  Variables script = kSrun;
  script.erase("SLURM_STEP_ID");
  ExpectRanks(Find(script), 0, 1, 0, "");
}

TEST(Rank, OfMpirunOnOneMachineMeetsThere) {
  EXPECT_THAT(Find(kMpirun).rendezvous, testing::MatchesRegex("tcp://127.0.0.1:[0-9]+"));
  EXPECT_THAT(
      [] {
        Find(With(kMpirun, {{"OMPI_COMM_WORLD_LOCAL_SIZE", "1"}}));
      },
      ThrowsMessage<Error>(HasSubstr("2 ranks need a place to meet")));
}

TEST(Rank, OfPmi) {
  ExpectRanks(Find({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "0"}, {"ORBIT_RENDEZVOUS", "file:///x"}}),
              1, 2, 0, "file:///x");
}

TEST(Rank, OfSrunWithPmi2) {
  const JobRank ranks = Find(With(kSrun, {{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"PMI_JOBID", "77.0"}}));
  EXPECT_EQ(ranks.source, "srun");
  ExpectRanks(ranks, 1, 2, 0, Find(kSrun).rendezvous);
  // mpirun whose daemons, one a node, srun has started.
  EXPECT_EQ(Find(With(kSrun, {{"PMI_RANK", "3"}, {"PMI_SIZE", "4"}, {"MASTER_ADDR", "a"}})).source, "mpirun (PMI)");
}

TEST(Rank, FlagsWin) {
  ExpectRanks(Find(kSrun, {.rank = 0, .world = 3, .local_rank = 2, .rendezvous = "tcp://b:1"}), 0, 3, 2, "tcp://b:1");
  EXPECT_THAT([] { Find({}, {.rank = 1}); }, ThrowsMessage<Error>(HasSubstr("--rank and --world go together")));
  EXPECT_THAT([] { Find({}, {.rank = 2, .world = 2, .local_rank = 0}); },
              ThrowsMessage<Error>(HasSubstr("no rank 2 of 2")));
}

TEST(Rank, ContradictionsAreErrors) {
  // RANK left over in the shell would otherwise make every task of srun a job of its own.
  EXPECT_THAT(
      [] {
        Find(With(kSrun, {{"RANK", "0"}, {"WORLD_SIZE", "1"}}));
      },
      ThrowsMessage<Error>(HasSubstr("say rank 0 of 1, srun says rank 1 of 2")));
  EXPECT_EQ(Find(With(kSrun, {{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "0"}, {"MASTER_ADDR", "h"}})).job,
            "77");
  EXPECT_THAT([] { Find({{"RANK", "0"}}); }, ThrowsMessage<Error>(HasSubstr("but not WORLD_SIZE")));
  EXPECT_THAT([] { Find({{"RANK", "0"}, {"WORLD_SIZE", "2"}}); }, ThrowsMessage<Error>(HasSubstr("not LOCAL_RANK")));
  EXPECT_THAT([] { Find({{"RANK", "one"}, {"WORLD_SIZE", "2"}}); }, ThrowsMessage<Error>(HasSubstr("RANK=one")));
  EXPECT_THAT(
      [] {
        Find({{"RANK", "2"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "0"}});
      },
      ThrowsMessage<Error>(HasSubstr("no rank 2 of 2")));
}

TEST(Rank, ALauncherInsideOfAnotherCounts) { ExpectRanks(Find(With(kSrun, kTorchrun)), 3, 4, 1, "tcp://node1:29500"); }

TEST(FirstHost, OfSlurmsLists) {
  EXPECT_EQ(FirstHost("node1"), "node1");
  EXPECT_EQ(FirstHost("node1,node2"), "node1");
  EXPECT_EQ(FirstHost("node[03-05,9],login"), "node03");
  EXPECT_EQ(FirstHost("login,node[03-05,9]"), "login");
  EXPECT_EQ(FirstHost("a-b-[7,9].cluster"), "a-b-7.cluster");
}

}  // namespace
}  // namespace orbit
