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

}  // namespace
}  // namespace orbit
