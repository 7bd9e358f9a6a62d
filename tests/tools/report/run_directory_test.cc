#include "tools/report/run_directory.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using io::FullDisk;
using io::MessageOf;
using io::ReadFile;
using io::WriteFile;
using testing::AllOf;
using testing::Gt;
using testing::HasSubstr;
using testing::Lt;
using testing::MatchesRegex;
using testing::Pair;

class RunDirectoryTest : public io::FileTest {
 protected:
  // The number of event files of the run.
  size_t EventFiles() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(Path("run")))
      count += entry.path().filename().string().starts_with("events.out.tfevents.");
    return count;
  }
  void RunTo(RunDirectory& run, int64_t from, int64_t to) const {
    run.StartAt(from);
    for (int64_t step = from + 1; step <= to; ++step)
      run.Log(step, {{"train/loss", 1.0 / static_cast<double>(step)}, {"train/learning_rate", 1e-3}});
  }
};

TEST_F(RunDirectoryTest, KeepsARun) {
  RunDirectory run = RunDirectory::Create(Path("a/run"), "nbody");
  run.WriteConfig("seed: 1\n");
  RunTo(run, 0, 3);
  run.Log(3, {{"valid/loss", 0.25}});
  run.log().info("hello");
  run.WriteFigure();
  EXPECT_EQ(run.path(), Path("a/run"));
  EXPECT_EQ(ReadFile(Path("a/run/config.yaml")), "seed: 1\n");
  const std::vector<MetricsLine> lines = ReadMetrics(Path("a/run/metrics.jsonl"));
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[3].metrics[0], (std::pair<std::string, double>("valid/loss", 0.25)));
  EXPECT_EQ(lines[3].metrics[1].first, "seconds");
  EXPECT_THAT(ReadFile(Path("a/run/log.txt")), MatchesRegex("20..-..-.. ..:..:.. info hello\n"));
  EXPECT_THAT(ReadFile(Path("a/run/curves.svg")),
              AllOf(HasSubstr("train/loss"), HasSubstr("valid/loss"), HasSubstr("step"), HasSubstr("minutes")));
  EXPECT_EQ(run.Summary(), "train loss 0.3333, valid loss 0.25");
  EXPECT_EQ(run.last(), Path("a/run/last.safetensors"));
  EXPECT_EQ(run.best(), Path("a/run/best.safetensors"));
}

TEST_F(RunDirectoryTest, IsNamedAfterThePresetAndTheTime) {
  setenv("BUILD_WORKING_DIRECTORY", Path("").c_str(), 1);
  const std::string path = RunDirectory::Create("", "nbody").path().lexically_relative(Path(""));
  EXPECT_THAT(path, MatchesRegex("runs/nbody-[0-9]+-[0-9]+"));
  EXPECT_NE(RunDirectory::Create("", "nbody").path().lexically_relative(Path("")), path);  // in the same second
  EXPECT_EQ(RunDirectory::Create("mine", "nbody").path(), Path("mine"));
  unsetenv("BUILD_WORKING_DIRECTORY");
}

TEST_F(RunDirectoryTest, GoesOnWhereTheCheckpointIs) {
  {
    RunDirectory run = RunDirectory::Create(Path("run"), "nbody");
    run.WriteConfig("");
    RunTo(run, 0, 5);
    run.log().info("first");
  }
  // The clock goes on, too.
  WriteFile(Path("run/metrics.jsonl"), R"({"step":1,"train/loss":1,"seconds":60}
{"step":2,"train/loss":1,"seconds":120}
{"step":3,"train/loss":1,"seconds":180}
{"step":4,"train/loss":1,"seconds":1000}
)");
  RunDirectory run = RunDirectory::Open(Path("run"));
  RunTo(run, 3, 6);
  EXPECT_THAT(ReadMetrics(Path("run/metrics.jsonl")).back().metrics.back(),
              Pair("seconds", AllOf(Gt(180.0), Lt(200.0))));
  run.log().info("second");
  std::vector<int64_t> steps;
  for (const MetricsLine& line : ReadMetrics(Path("run/metrics.jsonl"))) steps.push_back(line.step);
  EXPECT_EQ(steps, (std::vector<int64_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_THAT(ReadFile(Path("run/log.txt")), AllOf(HasSubstr("first"), HasSubstr("second")));
  EXPECT_EQ(EventFiles(), 2u);
}

TEST_F(RunDirectoryTest, DoesNotReplaceARun) {
  RunDirectory::Create(Path("run"), "nbody").WriteConfig("seed: 1\n");
  EXPECT_THAT(MessageOf([&] { RunDirectory::Create(Path("run"), "nbody"); }),
              AllOf(HasSubstr(Path("run") + " holds a run already"), HasSubstr("--resume")));
  EXPECT_EQ(ReadFile(Path("run/config.yaml")), "seed: 1\n");
}

TEST_F(RunDirectoryTest, HasOneWriterAndAnyReaders) {
  RunDirectory run = RunDirectory::Create(Path("run"), "nbody");
  run.WriteConfig("seed: 1\n");
  EXPECT_THAT(MessageOf([&] { RunDirectory::Open(Path("run")); }),
              HasSubstr(Path("run") + " is being written by process " + std::to_string(getpid())));
  const RunFiles files = RunFiles::Find(Path("run"));
  EXPECT_EQ(ReadFile(files.config()), "seed: 1\n");
  EXPECT_EQ(files.chosen(), run.last());
  WriteFile(run.best(), "");
  EXPECT_EQ(files.chosen(), run.best());
}

TEST_F(RunDirectoryTest, RefusesToGoOnWithNoRun) {
  EXPECT_THAT(MessageOf([&] { RunDirectory::Open(Path("run")); }), HasSubstr(Path("run") + " holds no run"));
  EXPECT_EQ(FilesInDirectory(), 0u);
}

TEST_F(RunDirectoryTest, SaysWhyItCannotWrite) {
  WriteFile(Path("file"), "");
  EXPECT_THAT(MessageOf([&] { RunDirectory::Create(Path("file/run"), "nbody"); }),
              AllOf(HasSubstr("cannot make the run directory " + Path("file/run")), HasSubstr("Not a directory")));
  EXPECT_THAT(MessageOf([&] { RunDirectory::Create(Path("file"), "nbody"); }), HasSubstr("Not a directory"));
  std::filesystem::create_directories(Path("run/log.txt"));
  EXPECT_THAT(MessageOf([&] { RunDirectory::Create(Path("run"), "nbody"); }),
              AllOf(HasSubstr("cannot write to the run directory " + Path("run")), HasSubstr("Is a directory")));
}

TEST_F(RunDirectoryTest, SaysThatTheDiskIsFull) {
  RunDirectory run = RunDirectory::Create(Path("run"), "nbody");
  const FullDisk full(8);
  EXPECT_THAT(MessageOf([&] { run.WriteConfig("seed: 1234567\n"); }),
              AllOf(HasSubstr(Path("run/config.yaml")), HasSubstr("File too large")));
  EXPECT_THAT(MessageOf([&] { run.StartAt(0); }), HasSubstr("events.out.tfevents."));
}

TEST_F(RunDirectoryTest, WarnsWhereThereIsNoFigure) {
  RunDirectory run = RunDirectory::Create(Path("run"), "nbody");
  const std::string before = getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  RunTo(run, 0, 2);
  run.WriteFigure();
  setenv("PATH", before.c_str(), 1);
  EXPECT_THAT(ReadFile(Path("run/log.txt")), HasSubstr("gnuplot is not installed"));
}

}  // namespace
}  // namespace orbit
