// What the trainer makes of validation: which checkpoint is the best, when training ends early, and what of a
// validation or a test is left where a stop is asked for.
#include "tools/experiments/trainer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "engine/io/checkpoint.h"
#include "tests/engine/io/testing.h"
#include "tools/experiments/training_run.h"

namespace orbit {
namespace {

using testing::HasSubstr;

class TrainerTest : public io::FileTest {
 protected:
  void SetUp() override {
    io::FileTest::SetUp();
    io::WriteFile(Path("graphs.g6"), "Bw\nBg\nCF\nC~\nDQc\n");
    io::WriteFile(Path("labels.csv"), "0,0\n1,1\n2,0\n3,1\n4,0\n");
    io::WriteFile(Path("splits.csv"), "0,train\n1,train\n2,valid\n3,valid\n4,test\n");
  }

  // Two steps an epoch of an MLP that is averaged over the group: with learning rate 0 validation stays as it is.
  std::vector<std::string> Settings(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"data.path=" + Path(""), "run.directory=" + Path("run"), "model.base=mlp",
                                    "model.mlp.widths=[8]",  "model.distribution=haar",      "train.batch=1",
                                    "train.epochs=10"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  std::set<int64_t> Validated() const {
    std::set<int64_t> steps;
    for (const MetricsLine& line : ReadMetrics(Path("run/metrics.jsonl")))
      for (const auto& [name, value] : line.metrics)
        if (name == "valid/accuracy") steps.insert(line.step);
    return steps;
  }
};

TEST_F(TrainerTest, EndsWhereValidationIsNoLongerBetter) {
  for (const char* monitor : {"loss", "metric"}) {
    {
      TrainingRun run({.preset = "graphs",
                       .file = "",
                       .assignments = Settings(
                           {"train.learning_rate=0", "train.patience=2", std::string("train.monitor=") + monitor})},
                      "", Device{});
      EXPECT_TRUE(run.trainer().Run([] { return false; }));
      EXPECT_EQ(run.trainer().step(), 6);  // the first validation is the best, two are not better
    }
    EXPECT_EQ(Validated(), (std::set<int64_t>{2, 4, 6}));
    EXPECT_EQ(io::LoadCheckpoint(Path("run/best.safetensors")).step, 2);
    {
      TrainingRun resumed({}, Path("run"), Device{});
      EXPECT_TRUE(resumed.trainer().Run([] { return false; }));
      EXPECT_EQ(resumed.trainer().step(), 6);
    }
    {
      TrainingRun patient({.preset = "", .file = "", .assignments = {"train.patience=4"}}, Path("run"), Device{});
      EXPECT_TRUE(patient.trainer().Run([] { return false; }));
      EXPECT_EQ(patient.trainer().step(), 10);
    }
    std::filesystem::remove_all(Path("run"));
  }
}

// The best in accuracy has the most of it, the best in loss the least.
TEST_F(TrainerTest, KeepsTheBestOfWhatIsMonitored) {
  for (const bool of_metric : {false, true}) {
    {
      TrainingRun run({.preset = "graphs",
                       .file = "",
                       .assignments = Settings({"train.learning_rate=0.1",
                                                std::string("train.monitor=") + (of_metric ? "metric" : "loss")})},
                      "", Device{});
      EXPECT_TRUE(run.trainer().Run([] { return false; }));
    }
    std::optional<double> best;
    int64_t step = 0;
    for (const MetricsLine& line : ReadMetrics(Path("run/metrics.jsonl")))
      for (const auto& [name, value] : line.metrics) {
        if (name != (of_metric ? "valid/accuracy" : "valid/loss")) continue;
        if (best && (of_metric ? value <= *best : value >= *best)) continue;
        best = value;
        step = line.step;
      }
    const io::Checkpoint checkpoint = io::LoadCheckpoint(Path("run/best.safetensors"));
    EXPECT_EQ(checkpoint.step, step);
    EXPECT_DOUBLE_EQ(checkpoint.best_validation.value(), best.value());
    std::filesystem::remove_all(Path("run"));
  }
}

// Otherwise examples that were trained on could be tested on.
TEST_F(TrainerTest, ResumesWithTheSeedAndTheDataThatItHad) {
  {
    TrainingRun run({.preset = "graphs", .file = "", .assignments = Settings({})}, "", Device{});
    EXPECT_FALSE(run.trainer().Run([&] { return run.trainer().step() == 4; }));
  }
  const auto resume = [&](const std::vector<std::string>& assignments) {
    return io::MessageOf([&] {
      TrainingRun run({.preset = "", .file = "", .assignments = assignments}, Path("run"), Device{});
      EXPECT_EQ(run.trainer().step(), 4);
    });
  };
  EXPECT_EQ(resume({"seed=0", "train.epochs=20"}), "");
  EXPECT_THAT(resume({"data.seed=7", "seed=9"}),
              HasSubstr("run holds a run with another seed (was 0, now 9), data.seed (was 0, now 7); a run that is "));
  EXPECT_THAT(resume({"data.valid=0.5"}), HasSubstr("another data.valid (was 0.1, now 0.5)"));

  const std::string elsewhere = Path("elsewhere");
  std::filesystem::create_directories(elsewhere);
  const auto restore = [&] {
    for (const char* file : {"graphs.g6", "labels.csv", "splits.csv"})
      std::filesystem::copy(Path(file), elsewhere, std::filesystem::copy_options::overwrite_existing);
  };
  const auto with = [&](const std::string& file, const std::string& contents) {
    restore();
    io::WriteFile(elsewhere + "/" + file, contents);
    return resume({"data.path=" + elsewhere});
  };
  restore();
  EXPECT_EQ(resume({"data.path=" + elsewhere}), "");
  EXPECT_THAT(with("labels.csv", "0,0\n1,1\n2,0\n3,0\n4,0\n"),
              HasSubstr("was trained on: the split valid has other targets; a run is resumed with its own data"));
  EXPECT_THAT(with("graphs.g6", "Bw\nBg\nCF\nC~\nDQo\n"), HasSubstr("the split test has other inputs"));
  EXPECT_THAT(with("splits.csv", "4,train\n1,train\n2,valid\n3,valid\n0,test\n"),
              HasSubstr("the split train has other"));
  EXPECT_THAT(with("splits.csv", "0,train\n1,train\n2,train\n3,valid\n4,test\n"),
              HasSubstr("the split train has 3 examples, not 2"));

  io::Checkpoint before = io::LoadCheckpoint(Path("run/last.safetensors"));  // of before digests were kept
  EXPECT_EQ(before.notes.erase("data"), 1);
  io::SaveCheckpoint(Path("run/last.safetensors"), before);
  EXPECT_EQ(resume({"data.path=" + elsewhere}), "");
}

// A stop that is asked for before a validation leaves it to the run that goes on, which has the bits of one that was
// not stopped; at the last step, too.
TEST_F(TrainerTest, LeavesAValidationToTheRunThatGoesOn) {
  const auto settings = [&](const std::string& directory) {
    return SettingsSources{
        .preset = "graphs",
        .file = "",
        .assignments = Settings({"train.learning_rate=0.1", "train.epochs=3", "run.directory=" + Path(directory)})};
  };
  std::set<int64_t> validated;
  {
    TrainingRun whole(settings("whole"), "", Device{});
    EXPECT_TRUE(whole.trainer().Run([] { return false; }));
  }
  const io::Checkpoint expected = io::LoadCheckpoint(Path("whole/last.safetensors"));
  for (const int64_t step : {2, 4, 6}) {
    TrainingRun run(settings("run"), step == 2 ? "" : Path("run"), Device{});
    EXPECT_FALSE(run.trainer().Run([&] { return run.trainer().step() >= step; }));
    EXPECT_EQ(run.trainer().step(), step);
    EXPECT_EQ(Validated(), validated);
    validated.insert(step);
  }
  {
    TrainingRun asked_again({}, Path("run"), Device{});
    EXPECT_FALSE(asked_again.trainer().Run([] { return true; }));
    EXPECT_FALSE(Validated().contains(6));
  }
  TrainingRun run({}, Path("run"), Device{});
  EXPECT_TRUE(run.trainer().Run([] { return false; }));
  EXPECT_EQ(Validated(), validated);
  const io::Checkpoint last = io::LoadCheckpoint(Path("run/last.safetensors"));
  EXPECT_EQ(last.step, 6);
  EXPECT_EQ(last.best_validation, expected.best_validation);
  ASSERT_EQ(last.model.size(), expected.model.size());
  for (const auto& [name, value] : last.model)
    EXPECT_EQ(value.ToVector<double>(), expected.model.at(name).ToVector<double>()) << name;
}

TEST_F(TrainerTest, LeavesATestToTheRunThatGoesOn) {
  TrainingRun run({.preset = "graphs", .file = "", .assignments = Settings({"train.epochs=1"})}, "", Device{});
  EXPECT_TRUE(run.trainer().Run([] { return false; }));
  EXPECT_FALSE(run.Test([] { return true; }).has_value());
  const auto logged = [&] {
    int64_t lines = 0;
    for (const MetricsLine& line : ReadMetrics(Path("run/metrics.jsonl")))
      lines += std::ranges::count(line.metrics, "test/accuracy", [](const auto& metric) { return metric.first; });
    return lines;
  };
  EXPECT_EQ(logged(), 0);
  EXPECT_TRUE(run.Test([] { return false; }).has_value());
  EXPECT_EQ(logged(), 1);
}

TEST_F(TrainerTest, GoesOnWithItsOwnWeights) {
  const auto resume = [&](const std::string& was, const std::string& now) {
    std::filesystem::create_directories(Path("run"));
    io::WriteFile(Path("run/config.yaml"),
                  ResolveSettings({.preset = "pattern_tiny", .file = "", .assignments = {was}}).ToYaml());
    return io::MessageOf(
        [&] { TrainingRun run({.preset = "", .file = "", .assignments = {now}}, Path("run"), Device{}); });
  };
  EXPECT_THAT(resume("model.weights=X", "model.weights="), HasSubstr("another model.weights (was X, now \"\");"));
  EXPECT_THAT(resume("model.weights=", "model.weights=X"), HasSubstr("another model.weights (was \"\", now X);"));
  EXPECT_THAT(resume("data.path=here", "data.path="), HasSubstr("another data.path (was here, now \"\");"));
}

}  // namespace
}  // namespace orbit
