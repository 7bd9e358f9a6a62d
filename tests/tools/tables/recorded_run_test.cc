#include "tools/tables/recorded_run.h"

#include <gmock/gmock.h>

#include "tests/engine/io/testing.h"
#include "tools/experiments/settings.h"
#include "tools/tables/trained_table.h"

namespace orbit {
namespace {

using io::ReadFile;
using io::WriteFile;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

class RecordedRunTest : public io::FileTest {
 protected:
  // Runs of several budgets and presets may have directories of the same name.
  void AddRun(const std::string& run, const std::string& preset, const std::string& budget, double mse) const {
    std::filesystem::create_directories(Path(run));
    const Config config = ResolveSettings(
        {.preset = preset,
         .file = "",
         .assignments = {"run.budget=" + budget, "seed=3", "run.directory=" + Path(run), "data.path=/my/data"}});
    WriteFile(Path(run + "/config.yaml"), config.ToYaml());
    WriteFile(Path(run + "/metrics.jsonl"), "{\"step\":1,\"train/loss\":4}\n{\"step\":2,\"valid/mse\":1}\n" +
                                                ("{\"step\":2,\"test/mse\":" + std::to_string(mse)) + "}\n");
  }
};

TEST_F(RecordedRunTest, AllRunsOfATableAreKept) {
  AddRun("runs/one/run", "pattern_scratch", "mine", 0.25);
  AddRun("runs/two/run", "pattern_scratch", "yours", 0.5);
  AddRun("runs/three/run", "pattern_scratch_ga", "mine", 0.75);
  AddRun("runs/four/run", "pattern_scratch", "", 1);
  const TrainedTable& table = FindTrainedTable("pattern");
  for (const char* run : {"one", "two", "three", "four"})
    RecordRun(Path("runs/" + std::string(run) + "/run"), Path("kept"));
  const std::string kept = Path("kept/mine/pattern_scratch-seed3");
  EXPECT_THAT(ReadFile(kept + "/metrics.jsonl"),
              AllOf(HasSubstr("valid/mse"), HasSubstr("0.25"), Not(HasSubstr("loss"))));
  EXPECT_THAT(ReadFile(kept + "/config.yaml"), AllOf(HasSubstr("data.path: data "), Not(HasSubstr(Path("")))));
  TrainedResults results;
  results.AddTree(table, Path("kept/mine"));
  results.AddTree(table, Path("kept/yours"));
  EXPECT_THAT(results.Find("pattern_scratch", "mine", "mse"), ElementsAre(Pair(3, 0.25)));
  EXPECT_THAT(results.Find("pattern_scratch", "yours", "mse"), ElementsAre(Pair(3, 0.5)));
  EXPECT_THAT(results.Find("pattern_scratch_ga", "mine", "mse"), ElementsAre(Pair(3, 0.75)));
  EXPECT_TRUE(std::filesystem::exists(Path("kept/pattern_scratch-seed3/metrics.jsonl")));
}

}  // namespace
}  // namespace orbit
