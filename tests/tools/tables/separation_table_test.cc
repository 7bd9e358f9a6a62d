#include "tools/tables/separation_table.h"

#include <gmock/gmock.h>

#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using testing::HasSubstr;
using testing::Not;

class SeparationTableTest : public io::FileTest {
 protected:
  void Add(const std::string& name, const SeparationResult& result) const {
    std::filesystem::create_directories(Path("runs/" + name));
    WriteSeparationResult(result, Path("runs/" + name + "/" + kSeparationResultFile));
  }
  // The row of the table, and what was noted.
  std::string Row(const std::string& name) {
    testing::internal::CaptureStderr();
    const std::string table = SeparationTable({Path("runs"), Path("runs")}, /*markdown=*/true);
    notes_ = testing::internal::GetCapturedStderr();
    const size_t begin = table.find("| " + name + " |");
    return table.substr(begin, table.find('\n', begin) - begin);
  }
  std::string notes_;
};

SeparationResult Gcn(const std::string& criterion, int64_t seeds, int64_t left) {
  return {.dataset = "exp",
          .model = "gcn",
          .distribution = "learned",
          .criterion = criterion,
          .seeds = seeds,
          .samples = 1,
          .left = left,
          .total = 600};
}

// Times of files say nothing after a clone, and a quick try is not to replace a long measurement.
TEST_F(SeparationTableTest, HasTheResultOfTheMostSeedsHoweverNewTheOthersAre) {
  Add("a", Gcn("published", 100, 11));
  Add("b", Gcn("published", 1, 22));
  EXPECT_THAT(Row("GCN"), HasSubstr("| 600 | 11 |"));
  EXPECT_THAT(notes_, HasSubstr("runs/b/separation.json (22 pairs, seeds 1, samples 1) is left out"));
  Add("0", Gcn("published", 2, 33));
  std::filesystem::last_write_time(Path("runs/a/separation.json"), std::filesystem::file_time_type::min());
  EXPECT_THAT(Row("GCN"), HasSubstr("| 600 | 11 |"));
  Add("c", Gcn("published", 100, 44));
  EXPECT_THAT(Row("GCN"), HasSubstr("| 600 | 44 |")) << "of the same effort, the last by path";
}

TEST_F(SeparationTableTest, HasTheResultOfTheMostSamplesWhereTheSoundCriterionSamples) {
  SeparationResult result = Gcn("sound", 9, 55);
  result.model = "mlp";
  result.distribution = "haar";
  result.samples = 20;
  Add("a", result);
  result.seeds = 3;
  result.samples = 40;
  result.left = 66;
  Add("b", result);
  EXPECT_THAT(Row("MLP-GA"), HasSubstr("66 (40 samples)"));
  EXPECT_THAT(notes_, HasSubstr("runs/a/separation.json (55 pairs, seeds 9, samples 20) is left out"));
}

}  // namespace
}  // namespace orbit
