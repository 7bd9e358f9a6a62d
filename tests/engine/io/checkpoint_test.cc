#include "engine/io/checkpoint.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <random>
#include <thread>

#include "engine/io/safetensors.h"
#include "tests/engine/io/testing.h"

namespace orbit::io {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using CheckpointTest = FileTest;

// Everything in it depends on the step, so that a mixture of two checkpoints would be noticed.
Checkpoint CheckpointOfStep(int64_t step, int64_t size = 100) {
  Checkpoint checkpoint;
  checkpoint.step = step;
  checkpoint.epoch = step / 10;
  checkpoint.best_validation = 1.0 / (step + 3);
  checkpoint.model = {{"weight", Tensor::Full({size, 3}, static_cast<double>(step))},
                      {"mean", Tensor::Full({3}, static_cast<double>(step), DType::kF64)}};
  checkpoint.optimizer = {{"step/weight", Tensor::Full({}, static_cast<double>(step), DType::kI64)}};
  checkpoint.generators.emplace("noise", Generator(UINT64_MAX, UINT64_MAX - step));
  checkpoint.notes = {{"config", "a: 1\nb: \"" + std::to_string(step) + "\""}};
  return checkpoint;
}

void ExpectEqual(const TensorMap& actual, const TensorMap& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(actual.contains(name)) << name;
    EXPECT_EQ(actual.at(name).Describe(), tensor.Describe());
    EXPECT_EQ(std::memcmp(actual.at(name).raw(), tensor.raw(), tensor.bytes()), 0) << name;
  }
}

void ExpectEqual(const Checkpoint& actual, const Checkpoint& expected) {
  EXPECT_EQ(actual.step, expected.step);
  EXPECT_EQ(actual.epoch, expected.epoch);
  EXPECT_EQ(actual.best_validation, expected.best_validation);
  EXPECT_EQ(actual.notes, expected.notes);
  ASSERT_EQ(actual.generators.size(), expected.generators.size());
  for (const auto& [name, generator] : expected.generators) {
    EXPECT_EQ(actual.generators.at(name).seed(), generator.seed());
    EXPECT_EQ(actual.generators.at(name).stream(), generator.stream());
  }
  ExpectEqual(actual.model, expected.model);
  ExpectEqual(actual.optimizer, expected.optimizer);
}

TEST_F(CheckpointTest, ComesBackAsItWas) {
  SaveCheckpoint(Path("last"), CheckpointOfStep(123));
  ExpectEqual(LoadCheckpoint(Path("last")), CheckpointOfStep(123));
}

TEST_F(CheckpointTest, MayHaveNoBestYetAndNothingAtAll) {
  SaveCheckpoint(Path("last"), {});
  ExpectEqual(LoadCheckpoint(Path("last")), {});
  Checkpoint bad;
  bad.best_validation = NAN;
  EXPECT_THROW(SaveCheckpoint(Path("last"), bad), Error);
}

TEST_F(CheckpointTest, AnyDamageIsDetected) {
  SaveCheckpoint(Path("last"), CheckpointOfStep(5, 4));
  const std::string good = ReadFile(Path("last"));
  for (size_t i = 0; i < good.size(); ++i) {
    std::string damaged = good;
    damaged[i] ^= 1;
    WriteFile(Path("damaged"), damaged);
    // Bytes that the format leaves open, such as white space, may change without an effect.
    if (const std::string message = MessageOf([&] { LoadCheckpoint(Path("damaged")); }); message.empty())
      ExpectEqual(LoadCheckpoint(Path("damaged")), CheckpointOfStep(5, 4));
    else
      EXPECT_THAT(message, HasSubstr(Path("damaged"))) << "byte " << i;
  }
  std::string damaged = good;
  damaged.back() ^= 64;
  WriteFile(Path("damaged"), damaged);
  EXPECT_THAT(MessageOf([&] { LoadCheckpoint(Path("damaged")); }), HasSubstr("is damaged: its checksum is"));
}

TEST_F(CheckpointTest, OtherFilesAreRefused) {
  WriteSafetensors(Path("other"), {{{"weight", Tensor::Zeros({2})}}, {}});
  EXPECT_THAT(MessageOf([&] { LoadCheckpoint(Path("other")); }), HasSubstr("has no checksum"));
  EXPECT_THAT(MessageOf([&] { LoadCheckpoint(Path("absent")); }), HasSubstr("absent"));
}

TEST_F(CheckpointTest, AFullDiskKeepsTheOldOne) {
  SaveCheckpoint(Path("last"), CheckpointOfStep(1));
  {
    const FullDisk full(8192);
    EXPECT_THAT(MessageOf([&] { SaveCheckpoint(Path("last"), CheckpointOfStep(2, 10'000)); }),
                AllOf(HasSubstr("cannot write"), HasSubstr("File too large")));
  }
  ExpectEqual(LoadCheckpoint(Path("last")), CheckpointOfStep(1));
  EXPECT_EQ(FilesInDirectory(), 1u);
}

[[noreturn]] void SaveForever(const std::string& path, int64_t step, int64_t size) {
  try {
    for (;; ++step) SaveCheckpoint(path, CheckpointOfStep(step, size));
  } catch (...) {
    _exit(1);
  }
}

// A child process saves checkpoints until it is killed at a random moment. This is repeated until it has been killed in
// the middle of writing, too.
TEST_F(CheckpointTest, AKilledWriterLeavesACompleteFile) {
  constexpr int64_t kSize = 20'000;
  SaveCheckpoint(Path("last"), CheckpointOfStep(0, kSize));
  std::mt19937 random(1);
  int64_t previous = 0;
  int kills_while_writing = 0;
  for (int kills = 0; kills < 1000 && (kills < 40 || previous == 0 || kills_while_writing == 0); ++kills) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) SaveForever(Path("last"), previous + 1, kSize);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % (20'000 + 1000 * kills)));
    kill(child, SIGKILL);
    int status;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child failed by itself";
    kills_while_writing += FilesInDirectory() > 1;
    const Checkpoint checkpoint = LoadCheckpoint(Path("last"));
    ASSERT_GE(checkpoint.step, previous);
    ExpectEqual(checkpoint, CheckpointOfStep(checkpoint.step, kSize));
    previous = checkpoint.step;
  }
  EXPECT_GT(previous, 0) << "no child came to save anything";
  EXPECT_GT(kills_while_writing, 0) << "no child was killed while writing";
  SaveCheckpoint(Path("last"), CheckpointOfStep(0));
  EXPECT_EQ(FilesInDirectory(), 1u) << "partial files are left";
}

}  // namespace
}  // namespace orbit::io
