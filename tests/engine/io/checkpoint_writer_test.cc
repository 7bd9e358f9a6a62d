#include "engine/io/checkpoint_writer.h"

#include <gmock/gmock.h>

#include <atomic>

#include "tests/engine/io/testing.h"

namespace orbit::io {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Checkpoint CheckpointOfStep(int64_t step) {
  Checkpoint checkpoint{.model = {{"weight", Tensor::Full({10'000}, static_cast<double>(step))}},
                        .optimizer = {{"step/weight", Tensor::Full({}, static_cast<double>(step), DType::kI64)}}};
  checkpoint.step = step;
  return checkpoint;
}

class CheckpointWriterTest : public FileTest, public testing::WithParamInterface<bool> {
 protected:
  CheckpointWriterOptions Options() const {
    return {.beside = GetParam(), .between_tries = std::chrono::milliseconds(20)};
  }
  void ExpectStep(const std::string& name, int64_t step) const {
    const Checkpoint checkpoint = LoadCheckpoint(Path(name));
    EXPECT_EQ(checkpoint.step, step);
    EXPECT_EQ(checkpoint.model.at("weight").ToVector<double>(), std::vector<double>(10'000, static_cast<double>(step)));
    EXPECT_EQ(checkpoint.optimizer.at("step/weight").Item(), step);
  }
};

INSTANTIATE_TEST_SUITE_P(Writers, CheckpointWriterTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Beside" : "AtOnce"; });

TEST_P(CheckpointWriterTest, WritesWhatTheTensorsHeldThen) {
  CheckpointWriter writer([](const std::string& warning) { ADD_FAILURE() << warning; }, Options());
  const Checkpoint checkpoint = CheckpointOfStep(1);
  writer.Write(Path("last"), checkpoint);
  checkpoint.model.at("weight").Zero();
  writer.Write(Path("best"), CheckpointOfStep(2));
  writer.Finish();
  EXPECT_TRUE(writer.idle());
  ExpectStep("last", 1);
  ExpectStep("best", 2);
  for (int64_t step = 3; step < 20; ++step) writer.Write(Path("last"), CheckpointOfStep(step));
  writer.Finish();
  ExpectStep("last", 19);
}

TEST_P(CheckpointWriterTest, WritesWhatIsWaitingWhenItEnds) {
  CheckpointWriter([](const std::string&) {}, Options()).Write(Path("last"), CheckpointOfStep(1));
  ExpectStep("last", 1);
}

TEST_P(CheckpointWriterTest, AFullDiskKeepsTheOldOneUntilThereIsRoom) {
  std::mutex mutex;
  std::vector<std::string> warnings;
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return warnings.size();
  };
  CheckpointWriter writer(
      [&](const std::string& warning) {
        const std::lock_guard lock(mutex);
        warnings.push_back(warning);
      },
      Options());
  writer.Write(Path("last"), CheckpointOfStep(1));
  writer.Finish();
  {
    const FullDisk full(8192);
    writer.Write(Path("last"), CheckpointOfStep(2));
    EXPECT_THAT(MessageOf([&] { writer.Finish(); }), AllOf(HasSubstr("cannot write"), HasSubstr("File too large")));
    ExpectStep("last", 1);
    const size_t told = count();
    EXPECT_GE(told, 2u);
    // It is tried again by itself or, without a thread, with the next checkpoint; and told again.
    if (!GetParam()) writer.Write(Path("best"), CheckpointOfStep(1));
    while (GetParam() && count() < told + 2) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_GT(count(), told);
    const std::lock_guard lock(mutex);
    EXPECT_THAT(warnings[0], HasSubstr("The checkpoint of step 2 is kept in memory"));
  }
  writer.Finish();
  ExpectStep("last", 2);
}

}  // namespace
}  // namespace orbit::io
