// Checkpoints of several ranks that divide an optimiser's state: rank 0's file and one of every rank are a whole at any
// moment. A rank is a writer here.
#include "engine/io/checkpoint_shards.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <random>
#include <thread>

#include "engine/io/checkpoint_writer.h"
#include "tests/engine/io/testing.h"

namespace orbit::io {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Everything in it depends on the step and the rank, so that a mixture would be noticed.
Checkpoint CheckpointOf(int64_t step, int64_t rank, const std::string& set, int64_t size) {
  Checkpoint checkpoint{.optimizer = {{"exp_avg/weight", Tensor::Full({size}, static_cast<double>(10 * step + rank))},
                                      {"step/weight", Tensor::Full({}, static_cast<double>(step), DType::kI64)}},
                        .shards = Shards{.set = set, .world = 2},
                        .step = step};
  if (rank == 0) checkpoint.model = {{"weight", Tensor::Full({2 * size}, static_cast<double>(step))}};
  return checkpoint;
}

class CheckpointShardsTest : public FileTest {
 protected:
  // The writer of a rank, which tells this test what failed.
  CheckpointWriter Writer(int64_t rank, std::chrono::duration<double> patience = std::chrono::hours(1)) {
    return {[this](const std::string& warning) {
              const std::lock_guard lock(mutex_);
              warnings_.push_back(warning);
            },
            {.between_tries = std::chrono::milliseconds(20),
             .rank = rank,
             .patience = patience,
             .last_patience = last_patience_}};
  }
  std::vector<std::string> Warnings() {
    const std::lock_guard lock(mutex_);
    return warnings_;
  }
  void Write(CheckpointWriter& writer, int64_t rank, int64_t step, const std::string& job = "job",
             int64_t size = 1000) const {
    writer.Write(Last(), CheckpointOf(step, rank, NameShards(Last(), job, step), size));
  }
  // Both ranks write, with no failure.
  void WriteWhole(int64_t step, const std::string& job = "job") {
    CheckpointWriter first = Writer(0), second = Writer(1);
    Write(second, 1, step, job);
    Write(first, 0, step, job);
    second.Finish();
    first.Finish();
    EXPECT_THAT(Warnings(), ElementsAre());
  }
  // The shard of rank 1, by itself, after rank 0 has looked for it some times.
  std::jthread WriteLate(int64_t step) {
    return std::jthread([this, step] {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      CheckpointWriter second = Writer(1);
      Write(second, 1, step);
    });
  }
  std::string Last() const { return Path("last.safetensors"); }
  std::string Shard(int64_t step, int64_t rank, const std::string& job = "job") const {
    return NameShards(Path("last.safetensors"), job, step) + "-" + std::to_string(rank) + "-of-2.safetensors";
  }
  // The step of the checkpoint, which has to be whole.
  int64_t LoadWhole(int64_t size = 1000) const {
    const Checkpoint checkpoint = LoadCheckpoint(Last());
    const auto step = static_cast<double>(checkpoint.step);
    EXPECT_EQ(checkpoint.model.at("weight").ToVector<double>(), std::vector<double>(2 * size, step));
    EXPECT_TRUE(checkpoint.optimizer.empty());
    const std::vector<TensorMap> shards = LoadShards(Last(), checkpoint.shards.value());
    EXPECT_EQ(shards.size(), 2u);
    for (size_t rank = 0; rank < shards.size(); ++rank) {
      EXPECT_EQ(shards[rank].at("exp_avg/weight").ToVector<double>(),
                std::vector<double>(size, 10 * step + static_cast<double>(rank)));
      EXPECT_EQ(shards[rank].at("step/weight").Item(), step);
    }
    return checkpoint.step;
  }

  std::chrono::duration<double> last_patience_ = std::chrono::hours(1);

 private:
  std::mutex mutex_;
  std::vector<std::string> warnings_;
};

TEST_F(CheckpointShardsTest, ComeBackAsTheyWereAndReplaceThoseOfBefore) {
  WriteWhole(1);
  EXPECT_EQ(LoadWhole(), 1);
  EXPECT_TRUE(std::filesystem::exists(Path(Shard(1, 0))));
  WriteWhole(2);
  EXPECT_EQ(LoadWhole(), 2);
  EXPECT_EQ(FilesInDirectory(), 3u);
}

TEST_F(CheckpointShardsTest, RankZeroCommitsOnceAllAreThere) {
  WriteWhole(1);
  CheckpointWriter first = Writer(0), second = Writer(1);
  Write(first, 0, 2);
  for (int i = 0; i < 1000 && !std::filesystem::exists(Path(Shard(2, 0))); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_EQ(LoadWhole(), 1);
  Write(second, 1, 2);
  for (int i = 0; i < 1000 && LoadCheckpoint(Last()).step == 1; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(LoadWhole(), 2);
  EXPECT_THAT(Warnings(), ElementsAre());
}

TEST_F(CheckpointShardsTest, AShardThatDoesNotComeIsToldAndWaitedForAgain) {
  WriteWhole(1);
  CheckpointWriter first = Writer(0, std::chrono::milliseconds(10)), second = Writer(1);
  Write(first, 0, 2);
  for (int i = 0; i < 1000 && Warnings().size() < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ASSERT_GE(Warnings().size(), 2u);
  EXPECT_THAT(Warnings()[0], AllOf(HasSubstr("cannot write " + Last()), HasSubstr("of the 2 parts"), HasSubstr("1 did"),
                                   HasSubstr(Shard(2, 1)), HasSubstr("The checkpoint of step 2 is kept in memory")));
  EXPECT_EQ(LoadWhole(), 1);
  Write(second, 1, 2);
  second.Finish();
  first.Finish();
  EXPECT_EQ(LoadWhole(), 2);
  EXPECT_EQ(FilesInDirectory(), 3u);
}

// As on a network file system, whose directories may be a little behind.
TEST_F(CheckpointShardsTest, AShardThatIsSeenLateIsNotLost) {
  CheckpointWriter first = Writer(0);
  Write(first, 0, 1);
  const std::jthread second = WriteLate(1);
  first.Finish();
  EXPECT_EQ(LoadWhole(), 1);
  EXPECT_THAT(Warnings(), ElementsAre());
}

// As when all ranks throw.
TEST_F(CheckpointShardsTest, AWriterThatEndsWaitsForTheOthers) {
  WriteWhole(1);
  {
    std::jthread second;  // ends after the writer
    CheckpointWriter first = Writer(0);
    Write(first, 0, 2);
    second = WriteLate(2);
  }
  EXPECT_EQ(LoadWhole(), 2);
  EXPECT_THAT(Warnings(), ElementsAre());
}

TEST_F(CheckpointShardsTest, ASetOfAnotherPathDoesNotHoldUpASave) {
  last_patience_ = std::chrono::milliseconds(10);
  CheckpointWriter first = Writer(0), second = Writer(1);
  const std::string best = Path("best.safetensors");
  first.Write(best, CheckpointOf(1, 0, NameShards(best, "job", 1), 1000));
  Write(second, 1, 1);
  Write(first, 0, 1);
  second.Await();
  first.Await();
  EXPECT_EQ(LoadWhole(), 1);
  EXPECT_FALSE(std::filesystem::exists(best));
}

TEST_F(CheckpointShardsTest, OnceTheOthersHaveTriedRankZeroWaitsForALittle) {
  last_patience_ = std::chrono::milliseconds(10);
  WriteWhole(1);
  {
    CheckpointWriter first = Writer(0);
    Write(first, 0, 2);
    first.Await();
    EXPECT_EQ(Warnings().size(), 1u);
    EXPECT_THAT(MessageOf([&] { first.Finish(); }), HasSubstr(Shard(2, 1)));
    Write(first, 0, 3);  // and ends
  }
  EXPECT_EQ(LoadWhole(), 1);
  EXPECT_THAT(Warnings().back(), AllOf(HasSubstr("The checkpoint of step 3 is lost"), Not(HasSubstr("tried again"))));
  EXPECT_EQ(FilesInDirectory(), 4u) << "of the sets that did not become whole, others than the newest stay";
}

TEST_F(CheckpointShardsTest, AFullDiskOfOneRankKeepsTheOldOneUntilThereIsRoom) {
  last_patience_ = std::chrono::milliseconds(10);
  WriteWhole(1);
  CheckpointWriter first = Writer(0), second = Writer(1);
  Write(first, 0, 2);
  {
    const FullDisk full(1024);
    Write(second, 1, 2);
    EXPECT_THAT(MessageOf([&] { second.Finish(); }),
                AllOf(HasSubstr("cannot write"), HasSubstr(Shard(2, 1)), HasSubstr("File too large")));
    EXPECT_NE(MessageOf([&] { first.Finish(); }), "");
    EXPECT_EQ(LoadWhole(), 1);
  }
  second.Finish();
  first.Finish();
  EXPECT_EQ(LoadWhole(), 2);
}

TEST_F(CheckpointShardsTest, WhatIsNotOfTheCheckpointIsRefused) {
  WriteWhole(1);
  const std::string shard = Path(Shard(1, 1)), good = ReadFile(shard);
  const auto load = [&] { LoadShards(Last(), *LoadCheckpoint(Last()).shards); };
  std::string damaged = good;
  damaged.back() ^= 64;
  WriteFile(shard, damaged);
  EXPECT_THAT(MessageOf(load), AllOf(HasSubstr("optimiser's state of the checkpoint " + Last()),
                                     HasSubstr(shard + " is damaged: its checksum is")));
  WriteFile(shard, ReadFile(Path(Shard(1, 0))));
  EXPECT_THAT(MessageOf(load), HasSubstr(shard + " is of another checkpoint: it says '{\"rank\":0"));
  WriteFile(shard, ReadFile(Last()));
  EXPECT_THAT(MessageOf(load), HasSubstr(shard + " is of another checkpoint: it says ''"));
  std::filesystem::remove(shard);
  EXPECT_THAT(MessageOf(load), AllOf(HasSubstr(shard), HasSubstr("No such file")));
  WriteFile(shard, good);
  EXPECT_EQ(LoadWhole(), 1);
}

TEST_F(CheckpointShardsTest, ThoseThatNothingRefersToAreRemovedButLaterOnesOfTheJob) {
  const auto there = [&](const std::string& name) { return std::filesystem::exists(Path(name)); };
  CheckpointWriter killed = Writer(1);
  Write(killed, 1, 9, "another");
  killed.Finish();
  Write(killed, 1, 12);
  killed.Finish();
  WriteFile(Path(Shard(8, 1, "another") + ".partial-1-0"), "");
  WriteFile(Path("best.optimizer-another-9-0-of-2.safetensors"), "");
  WriteWhole(11);
  EXPECT_EQ(LoadWhole(), 11);
  EXPECT_FALSE(there(Shard(9, 1, "another")) || there(Shard(8, 1, "another") + ".partial-1-0"));
  EXPECT_TRUE(there(Shard(12, 1)) && there("best.optimizer-another-9-0-of-2.safetensors"));
  CheckpointWriter alone = Writer(0);
  alone.Write(Last(), {.model = {{"weight", Tensor::Full({2}, 1)}}});
  alone.Finish();
  EXPECT_EQ(FilesInDirectory(), 2u);
}

// A child process has two ranks save until it is killed at a random moment; as often as it takes for it to have been
// killed between the shards and the file that names them, too.
TEST_F(CheckpointShardsTest, KilledRanksLeaveAWholeSet) {
  constexpr int64_t kSize = 5'000;
  const auto save_forever = [&](int64_t step) {
    CheckpointWriter first = Writer(0), second = Writer(1);
    for (const std::string job = std::to_string(getpid());; ++step) {
      second.Await();
      first.Await();
      if (!Warnings().empty()) _exit(1);
      Write(second, 1, step, job, kSize);
      Write(first, 0, step, job, kSize);
    }
  };
  std::mt19937 random(1);
  int64_t previous = 0;
  int kills_between = 0;
  for (int kills = 0; kills < 1000 && (kills < 20 || previous == 0 || kills_between == 0); ++kills) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) save_forever(previous + 1);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % (20'000 + 5000 * kills)));
    kill(child, SIGKILL);
    int status;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child failed by itself";
    if (!std::filesystem::exists(Last())) continue;
    kills_between += FilesInDirectory() > 3;
    ASSERT_GE(LoadWhole(kSize), previous);
    previous = LoadCheckpoint(Last()).step;
  }
  EXPECT_GT(previous, 0) << "no child came to save anything";
  EXPECT_GT(kills_between, 0) << "no child was killed with shards that nothing refers to";
}

}  // namespace
}  // namespace orbit::io
