#include "tools/tables/trained_table.h"

#include <gmock/gmock.h>

#include "tests/engine/io/testing.h"
#include "tools/experiments/budgets.h"
#include "tools/experiments/settings.h"

namespace orbit {
namespace {

using io::MessageOf;
using io::ReadFile;
using io::WriteFile;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class TrainedTableTest : public io::FileTest {
 protected:
  // A run as `study` leaves it.
  void AddRun(const std::string& name, const std::string& preset, const std::string& budget, int64_t seed,
              const std::string& metrics, const std::string& assignment = "seed=0") const {
    std::filesystem::create_directories(Path("runs/" + name));
    SettingsSources sources{.preset = preset, .file = "", .assignments = {}};
    if (budget == "small" || budget == "paper") sources = AtBudget(preset, budget);
    for (const std::string& last : {assignment, "run.budget=" + budget, "seed=" + std::to_string(seed)})
      sources.assignments.push_back(last);
    const Config config = ResolveSettings(sources);
    WriteFile(Path("runs/" + name + "/config.yaml"), config.ToYaml());
    WriteFile(Path("runs/" + name + "/metrics.jsonl"), metrics);
  }
  TrainedResults Results() const {
    TrainedResults results;
    results.AddTree(table_, Path("runs"));
    return results;
  }

  TrainedTable table_ = {.name = "nbody",
                         .caption = "Test error",
                         .metric = "mse",
                         .unit = "",
                         .is_error = true,
                         .rows = {{"TFN", "", "0.0155"}, {"EGNN", "nbody_egnn", "0.0071"}, {"PS", "nbody_paper", ""}}};
};

TEST_F(TrainedTableTest, HasANumberWhereARunIsFinished) {
  AddRun("a", "nbody_egnn", "small", 0, R"({"step":1,"valid/mse":1}
{"step":2,"test/mse":0.02,"seconds":3}
)");
  AddRun("b/c", "nbody_paper", "small", 0, "{\"step\":1,\"test/mse\":0.01}\n");
  AddRun("d", "nbody_paper", "small", 1, "{\"step\":1,\"test/mse\":0.03}\n");
  AddRun("e", "nbody_egnn", "paper", 0, "{\"step\":1,\"valid/loss\":1}\n");        // still training
  AddRun("f", "nbody_gnn_haar_o3", "own", 0, "{\"step\":1,\"test/mse\":0.03}\n");  // no row
  const TrainedResults results = Results();
  EXPECT_THAT(results.Budgets(), ElementsAre("small"));
  EXPECT_THAT(results.Find("nbody_egnn", "small", "mse"), ElementsAre(Pair(0, 0.02)));
  EXPECT_THAT(results.Find("nbody_paper", "small", "mse"), ElementsAre(Pair(0, 0.01), Pair(1, 0.03)));
  EXPECT_THAT(results.Find("nbody_paper", "paper", "mse"), IsEmpty());
  EXPECT_EQ(FormatTrainedTable(table_, results, false),
            "      published  budget small\n"
            "----------------------------------------\n"
            "TFN   0.0155\n"
            "EGNN  0.0071     0.02\n"
            "PS               0.02 ± 0.01 (2 seeds)\n");
  DrawTrainedTable(table_, results, Path("table.svg"));
  EXPECT_THAT(ReadFile(Path("table.svg")),
              AllOf(HasSubstr("EGNN"), HasSubstr("published"), HasSubstr("budget small"), HasSubstr("in validation")));
}

TEST_F(TrainedTableTest, ARunThatWentOnAfterItsTestIsNotFinished) {
  const std::string tested = R"({"step":800,"valid/mse":1}
{"step":800,"test/mse":0.02,"test/r2":0.5}
)";
  AddRun("a", "nbody_egnn", "small", 0, tested + "{\"step\":820,\"train/loss\":1}\n");
  EXPECT_THAT(Results().Find("nbody_egnn", "small", "mse"), IsEmpty());
  AddRun("a", "nbody_egnn", "small", 0,
         tested + "{\"step\":820,\"train/loss\":1}\n{\"step\":1600,\"test/mse\":0.01}\n");
  EXPECT_THAT(Results().Find("nbody_egnn", "small", "mse"), ElementsAre(Pair(0, 0.01)));
  EXPECT_THAT(Results().Find("nbody_egnn", "small", "r2"), IsEmpty());
}

TEST_F(TrainedTableTest, CellsAreEmptyWhereABudgetCannotHaveTheRow) {
  table_.rows = {{"scratch", "pattern_scratch", "", 1, "accuracy"}, {"pretrained", "pattern", "", 1, "accuracy"}};
  AddRun("a", "pattern_scratch", "small", 0, "{\"step\":1,\"test/accuracy\":50}\n");
  AddRun("b", "pattern_scratch", "own", 0, "{\"step\":1,\"test/accuracy\":60}\n");
  EXPECT_EQ(FormatTrainedTable(table_, Results(), true),
            "| | published | budget own | budget small |\n"
            "| --- | --- | --- | --- |\n"
            "| scratch | | 60 | 50 |\n"
            "| pretrained | | not run | |\n");
}

TEST_F(TrainedTableTest, RowsMayBeMetricsOfTheSameRuns) {
  table_.rows = {
      {"error", "nbody_egnn", "0.0071"}, {"r2", "nbody_egnn", "", 1, "r2"}, {"r3", "nbody_egnn", "", 1, "r3"}};
  AddRun("a", "nbody_egnn", "small", 0, "{\"step\":1,\"test/mse\":0.02,\"test/r2\":0.9}\n");
  EXPECT_EQ(FormatTrainedTable(table_, Results(), true),
            "| | published | budget small |\n"
            "| --- | --- | --- |\n"
            "| error | 0.0071 | 0.02 |\n"
            "| r2 | | 0.9 |\n"
            "| r3 | | not run |\n");
}

TEST_F(TrainedTableTest, SaysWhatWasNotRun) {
  AddRun("a", "nbody_egnn", "", 0, "{\"step\":1,\"test/mse\":0.02}\n");  // by `train`
  EXPECT_EQ(FormatTrainedTable(table_, Results(), true),
            "| | published | measured |\n"
            "| --- | --- | --- |\n"
            "| TFN | 0.0155 | |\n"
            "| EGNN | 0.0071 | 0.02 |\n"
            "| PS | | not run |\n");
  EXPECT_THAT(MessageOf([&] { TrainedResults().AddTree(table_, Path("nowhere")); }), HasSubstr("there is no "));
}

TEST_F(TrainedTableTest, LeavesOutRunsThatAreNotTheirPresets) {
  const std::string metrics = "{\"step\":1,\"test/mse\":0.02}\n";
  AddRun("a", "nbody_egnn", "", 0, metrics);
  AddRun("b", "nbody_egnn", "", 1, metrics);
  AddRun("c", "nbody_egnn", "", 2, metrics);
  const auto write = [&](const std::string& run, const std::string& setting) {
    WriteFile(Path("runs/" + run + "/config.yaml"), "extends: nbody_egnn\nrun.preset: nbody_egnn\nseed: 7\n" + setting);
  };
  write("b", "train.epochs: 3\n");
  write("c", "train.no_such: 3\n");
  EXPECT_THAT(Results().Find("nbody_egnn", "", "mse"), ElementsAre(Pair(0, 0.02)));
  AddRun("d", "nbody_egnn", "small", 0, metrics, "train.steps=10");
  AddRun("e", "nbody_egnn", "small", 1, metrics, "train.accumulate=2");
  AddRun("f", "nbody_egnn", "own", 0, metrics, "train.steps=10");  // what it has due is not known here
  EXPECT_THAT(Results().Find("nbody_egnn", "small", "mse"), ElementsAre(Pair(1, 0.02)));
  EXPECT_THAT(Results().Find("nbody_egnn", "own", "mse"), ElementsAre(Pair(0, 0.02)));
  write("b", "train.accumulate: 2\n");
  EXPECT_THAT(Results().Find("nbody_egnn", "", "mse"), ElementsAre(Pair(0, 0.02), Pair(7, 0.02)));
}

TEST(TrainedTables, HaveRowsThatCanBeTrained) {
  for (const TrainedTable& table : TrainedTables())
    for (const TrainedRow& row : table.rows) {
      if (row.preset.empty()) continue;
      const Config config = ResolveSettings({.preset = row.preset, .file = "", .assignments = {}});
      EXPECT_THAT(table.name, testing::StartsWith(config.String("task")));  // peptides_func is of the task peptides
    }
  EXPECT_THAT(MessageOf([] { FindTrainedTable("n-body"); }), HasSubstr("did you mean 'nbody'"));
}

}  // namespace
}  // namespace orbit
