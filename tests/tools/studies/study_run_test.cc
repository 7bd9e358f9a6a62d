#include "tools/studies/study_run.h"

#include <gmock/gmock.h>

#include "tests/engine/io/testing.h"
#include "tools/experiments/settings.h"

namespace orbit {
namespace {

using io::MessageOf;
using io::WriteFile;
using testing::HasSubstr;

class StudyRunTest : public io::FileTest {
 protected:
  SettingsSources Sources(const std::vector<std::string>& assignments, const std::string& preset = "nbody_egnn") const {
    return {.preset = preset, .file = "", .assignments = assignments};
  }
  // A directory with a run of these settings.
  std::string AddRun(const SettingsSources& sources) const {
    std::filesystem::create_directories(Path("run"));
    WriteFile(Path("run/config.yaml"), ResolveSettings(sources).ToYaml());
    return Path("run");
  }
};

TEST_F(StudyRunTest, ADirectoryHasARunOfTheSameSettings) {
  const std::string run = AddRun(Sources({"train.samples=2", "run.directory=elsewhere"}));
  EXPECT_NO_THROW(CheckStudyRun(Sources({"train.samples=2"}), run));
  EXPECT_NO_THROW(CheckStudyRun(Sources({"train.samples=3"}), Path("none")));
  EXPECT_THAT(
      MessageOf([&] { CheckStudyRun(Sources({"train.samples=3"}), run); }),
      HasSubstr("run holds a run with another train.samples (was 2, now 3); --output chooses another directory"));
  EXPECT_THAT(MessageOf([&] { CheckStudyRun(Sources({}, "exp_classify_gcn"), run); }),
              HasSubstr("holds a run with another task (was nbody, now exp_classify)"));
  EXPECT_THAT(MessageOf([&] { CheckStudyRun(Sources({"train.sample=3"}), Path("none")); }), HasSubstr("train.sample"));
}

TEST_F(StudyRunTest, DataMayBeElsewhereButNotOthers) {
  const auto pattern = [&](const std::string& path, const std::string& train) {
    return Sources({"data.path=" + path, "data.train=" + train}, "pattern_scratch");
  };
  std::string run = AddRun(pattern("here", "70"));
  EXPECT_NO_THROW(CheckStudyRun(pattern("there", "70"), run));
  EXPECT_THAT(MessageOf([&] { CheckStudyRun(pattern("here", "80"), run); }),
              HasSubstr("holds a run with another data.train (was 70, now 80)"));
  run = AddRun(Sources({"data.nodes=9", "data.path=here"}, "graphs"));  // which the run has counted
  EXPECT_NO_THROW(CheckStudyRun(Sources({"data.path=here"}, "graphs"), run));
  run = AddRun(Sources({"data.valid=0.2", "data.seed=7", "data.path=here"}, "graphs"));  // other splits than unset ones
  EXPECT_THAT(MessageOf([&] { CheckStudyRun(Sources({"data.path=here"}, "graphs"), run); }),
              HasSubstr("another data.valid (was 0.2, now 0.1), data.seed (was 7, now 0);"));
  run = AddRun(Sources({"data.particles=4"}));
  EXPECT_THAT(MessageOf([&] { CheckStudyRun(Sources({}), run); }), HasSubstr("data.particles (was 4, now 5)"));
}

TEST_F(StudyRunTest, WeightsAndDrawnDataAreNoPlaces) {
  const auto pattern = [&](const std::string& weights, const std::string& path) {
    return Sources({"model.weights=" + weights, "data.path=" + path}, "pattern_scratch");
  };
  const std::string run = AddRun(pattern("", "here"));
  EXPECT_THAT(MessageOf([&] { CheckStudyRun(pattern("X", "here"), run); }),
              HasSubstr("another model.weights (was \"\", now X);"));
  EXPECT_THAT(MessageOf([&] { CheckStudyRun(pattern("", ""), run); }),
              HasSubstr("another data.path (was here, now \"\");"));
  AddRun(pattern("X", "here"));
  EXPECT_THAT(MessageOf([&] { CheckStudyRun(pattern("Y", "here"), run); }),
              HasSubstr("another model.weights (was X, now Y);"));
}

TEST_F(StudyRunTest, WhatWasSetIsNotWhatIsFound) {
  const std::string mixed = Path("m.csv");
  std::string rows = "smiles,y\n";
  for (int i = 0; i < 20; ++i) rows += std::string(i % 2 ? "CO" : "CC") + "," + std::to_string(i % 2) + "\n";
  WriteFile(mixed, rows);
  const auto molecules = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"data.path=" + mixed, "data.smiles=smiles", "data.targets=y", "model.transformer.layers=1",
                             "model.transformer.width=16", "model.transformer.heads=2", "model.transformer.hidden=16",
                             "model.transformer.grid=3", "train.batch=4"});
    return Sources(more, "molecules");
  };
  const std::filesystem::path set = Path("set"), found = Path("found");
  MakeStudyRun(molecules({"data.task=regression"}), set, Device{});
  EXPECT_NO_THROW(MakeStudyRun(molecules({"data.task=regression"}), set, Device{}));
  EXPECT_THAT(MessageOf([&] { CheckStudyRun(molecules({}), set); }),
              HasSubstr("another data.task (was regression, now auto);"));
  MakeStudyRun(molecules({"data.task=auto", "data.nodes=0"}), found, Device{});
  EXPECT_NO_THROW(MakeStudyRun(molecules({"data.task=auto", "data.nodes=0"}), found, Device{}));
  EXPECT_THAT(MessageOf([&] { CheckStudyRun(molecules({"data.nodes=9"}), found); }),
              HasSubstr("another data.nodes (was 0, now 9);"));
  // Gone on with by other means, a run keeps what was asked for.
  TrainingRun({.preset = "", .file = "", .assignments = {"train.epochs=7"}}, found, Device{});
  EXPECT_THAT(MessageOf([&] { CheckStudyRun(molecules({}), found); }), HasSubstr("another train.epochs (was 7, now "));
  EXPECT_NO_THROW(CheckStudyRun(molecules({"train.epochs=7"}), found));
}

}  // namespace
}  // namespace orbit
