// NCCL: its declarations against NVIDIA's where these are installed, and its failures by the double. What it does when
// all goes well is in communicator_test.cc.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/distributed/make_communicator.h"
#include "engine/distributed/nccl_api.h"
#include "kernels/error.h"
#include "tests/engine/distributed/run_ranks.h"

#if __has_include(<nccl.h>) && __has_include(<cuda_runtime.h>)
#define ORBIT_HAS_NCCL_HEADER
#include <nccl.h>
#endif

namespace orbit {
namespace {

using testing::AllOf;
using testing::HasSubstr;

#ifdef ORBIT_HAS_NCCL_HEADER
static_assert(nccl::kSuccess == static_cast<int>(ncclSuccess) &&
              nccl::kRemoteError == static_cast<int>(ncclRemoteError) &&
              nccl::kInProgress == static_cast<int>(ncclInProgress) &&
              nccl::kInvalidUsage == static_cast<int>(ncclInvalidUsage));
static_assert(nccl::kUint8 == static_cast<int>(ncclUint8) && nccl::kInt32 == static_cast<int>(ncclInt32) &&
              nccl::kInt64 == static_cast<int>(ncclInt64) && nccl::kFloat32 == static_cast<int>(ncclFloat32) &&
              nccl::kFloat64 == static_cast<int>(ncclFloat64) && nccl::kBfloat16 == static_cast<int>(ncclBfloat16));
static_assert(nccl::kSum == static_cast<int>(ncclSum) && nccl::kMax == static_cast<int>(ncclMax) &&
              nccl::kMin == static_cast<int>(ncclMin));
static_assert(sizeof(nccl::UniqueId) == sizeof(ncclUniqueId));
static_assert(offsetof(nccl::Config, version) == offsetof(ncclConfig_t, version) &&
              offsetof(nccl::Config, blocking) == offsetof(ncclConfig_t, blocking) &&
              offsetof(nccl::Config, net_name) == offsetof(ncclConfig_t, netName) &&
              offsetof(nccl::Config, split_share) == offsetof(ncclConfig_t, splitShare) &&
              sizeof(nccl::Config) <= sizeof(ncclConfig_t));
#endif

constexpr double kDeadline = 2;

// Ranks of which the last one misbehaves. They sum until something happens.
std::vector<RankResult> RunWith(const std::string& misbehaviour, DType dtype = DType::kF32) {
  const std::string place = NewRendezvous();
  return RunProcesses(2, [&](int rank) {
    if (rank == 1) setenv("ORBIT_NCCL_DOUBLE", misbehaviour.c_str(), 1);
    CommunicatorOptions options;
    options.ranks = {rank, 2, rank, place, "", "the test"};
    options.deadline = kDeadline;
    options.library = "nccl";
    const Device device = {DeviceType::kSimt};
    const auto communicator = MakeCommunicator(options, device);
    const Tensor x = Tensor::Full({1000}, 1, dtype, device);
    for (int step = 1; step <= 5; ++step) {
      communicator->SetContext("step " + std::to_string(step));
      communicator->AllReduce(x).Wait();
      communicator->Check();
    }
    return std::to_string(x.ToVector<double>()[999]);
  });
}

void ExpectFailure(const std::vector<RankResult>& results, const std::string& text) {
  for (const RankResult& result : results) {
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.output, HasSubstr(text));
    EXPECT_LT(result.seconds, 1.3 * kDeadline);
  }
}

TEST(Nccl, TheInstalledOneHasAllFunctions) {
  if (RunProcesses(1,
                   [](int) {
                     unsetenv("ORBIT_NCCL");
                     return std::to_string(nccl::Load().version);
                   })[0]
          .status != 0)
    GTEST_SKIP() << "NCCL is not installed";
}

TEST(Nccl, AMissingOrOldOneIsNamed) {
  const std::vector<RankResult> missing = RunProcesses(1, [](int) {
    setenv("ORBIT_NCCL", "/nowhere/libnccl.so.2", 1);
    return nccl::VersionText(nccl::Load().version);
  });
  EXPECT_THAT(missing[0].output, HasSubstr("/nowhere/libnccl.so.2 is needed and was not found"));
  const std::vector<RankResult> old = RunProcesses(1, [](int) {
    setenv("ORBIT_NCCL_DOUBLE", "old", 1);
    return nccl::VersionText(nccl::Load().version);
  });
  EXPECT_THAT(old[0].output, HasSubstr("is of version 2.17.1; 2.18 or later is needed"));
}

TEST(Nccl, IsNotForProcessors) {
  const std::vector<RankResult> results = RunProcesses(1, [](int) {
    CommunicatorOptions options;
    options.library = "nccl";
    return MakeCommunicator(options, Device{})->Describe();
  });
  EXPECT_THAT(results[0].output, HasSubstr("NCCL is for GPUs, not for cpu"));
}

TEST(Nccl, AnErrorAtTheSetUpEndsAllRanks) {
  ExpectFailure(RunWith("init-error"), "the set-up of NCCL: NCCL: an error, as the double was told");
}

TEST(Nccl, ASetUpThatHangsEndsAllRanks) { ExpectFailure(RunWith("init-hang"), "the set-up of NCCL"); }

TEST(Nccl, SlownessIsNoFailure) {
  for (const RankResult& result : RunWith("slow")) {
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_THAT(result.output, HasSubstr("32.0"));
    EXPECT_GT(result.seconds, 0.25);
  }
}

TEST(Nccl, AnErrorOfAnOperationEndsAllRanks) {
  const std::vector<RankResult> results = RunWith("error:3");
  ExpectFailure(results, "rank 1 on ");
  ExpectFailure(results, "step 3, all-reduce 3 of 1000 f32: NCCL: remote process exited, as the double was told");
}

TEST(Nccl, AnOperationThatHangsEndsAllRanks) {
  ExpectFailure(RunWith("hang:4"), "step 4, all-reduce 4 of 1000 f32: not complete within 1.7 s");
}

// A sum of bf16 is two operations of NCCL: an exchange of the parts and a gathering of their sums.
TEST(Nccl, ASumOfBF16FailsInEitherHalf) {
  for (const char* misbehaviour : {"hang:3", "hang:4"})
    ExpectFailure(RunWith(misbehaviour, DType::kBF16), "step 2, all-reduce 2 of 1000 bf16: not complete within 1.7 s");
  for (const char* misbehaviour : {"error:3", "error:4"})
    ExpectFailure(RunWith(misbehaviour, DType::kBF16),
                  "step 2, all-reduce 2 of 1000 bf16: NCCL: remote process exited, as the double was told");
}

}  // namespace
}  // namespace orbit
