#include "tools/separation/separation_cell.h"

#include <gmock/gmock.h>

#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using io::MessageOf;
using testing::AllOf;
using testing::HasSubstr;

class SeparationCellTest : public io::FileTest {
 protected:
  void Write(const SeparationCell& cell, const SeparationOptions& options) const {
    WriteSeparationResult(ResultOf(cell, options, {}), Path(kSeparationResultFile));
  }
  bool Has(const SeparationCell& cell, const SeparationOptions& options) const {
    return HasResult(Path(""), cell, options);
  }
  std::string Refusal(const SeparationCell& cell, const SeparationOptions& options) const {
    return MessageOf([&] { Has(cell, options); });
  }
};

TEST_F(SeparationCellTest, AResultIsOfTheSettingsThatItsCriterionTakes) {
  const SeparationCell gcn{.model = "gcn", .criterion = "published"};
  EXPECT_FALSE(Has(gcn, {}));
  Write(gcn, {.seeds = 3});
  EXPECT_TRUE(Has(gcn, {.seeds = 3}));
  EXPECT_TRUE(Has(gcn, {.seeds = 3, .samples = 99, .error_rate = 0.5, .seconds = 9})) << "none of which it takes";
  EXPECT_THAT(Refusal(gcn, {.seeds = 100, .threshold = 0.5}),
              AllOf(HasSubstr("holds a result with another seeds (was 3, now 100), threshold ("),
                    HasSubstr("; --output chooses another directory")));
  EXPECT_THAT(Refusal({.model = "gin", .criterion = "published"}, {.seeds = 3}), HasSubstr("model (was gcn, now gin)"));

  const SeparationCell mlp{.model = "mlp", .distribution = "haar"};
  Write(mlp, {.samples = 5});
  EXPECT_TRUE(Has(mlp, {.seeds = 7, .samples = 5}));
  EXPECT_THAT(Refusal(mlp, {.samples = 5, .seconds = 10}), HasSubstr("another time_limit (was 60, now 10)"));
  EXPECT_THAT(Refusal(mlp, {.samples = 6}), HasSubstr("another samples (was 5, now 6)"));
}

TEST_F(SeparationCellTest, AResultIsOfGraphsAtAPlace) {
  Write({.dataset = Path("a/graphs.g6")}, {});
  EXPECT_TRUE(Has({.dataset = Path("b/../a/graphs.g6")}, {}));
  EXPECT_THAT(Refusal({.dataset = Path("b/graphs.g6")}, {}), HasSubstr("another dataset (was "));
}

TEST_F(SeparationCellTest, AResultOfBeforeSettingsWereKeptIsOfThoseThatItTells) {
  const auto write = [&](const std::string& head) {
    io::WriteFile(Path(kSeparationResultFile), "{" + head + R"(,"pairs_left":600,"pairs":600})");
  };
  write(R"("dataset":"exp","model":"gcn","distribution":"","seeds":3,"samples":1)");  // of before criteria, too
  const SeparationCell gcn{.dataset = "exp", .model = "gcn", .criterion = "published"};
  testing::internal::CaptureStderr();
  EXPECT_TRUE(Has(gcn, {.seeds = 3}));
  EXPECT_THAT(
      testing::internal::GetCapturedStderr(),
      AllOf(HasSubstr("separation.json is of before settings were kept, and does not tell its threshold; remove"),
            HasSubstr("--output")));
  EXPECT_THAT(Refusal(gcn, {.seeds = 4}), HasSubstr("holds a result with another seeds (was 3, now 4); --output"));
  EXPECT_THAT(Refusal({.dataset = "exp", .model = "gcn"}, {.seeds = 3}),
              HasSubstr("another criterion (was published, now sound); --output"));
  write(R"("dataset":"exp","model":"mlp","distribution":"haar","criterion":"sound","seeds":4,"samples":80)");
  const SeparationCell mlp{.dataset = "exp", .model = "mlp", .distribution = "haar"};
  EXPECT_TRUE(Has(mlp, {.seeds = 3, .samples = 10})) << "four rounds, the last of which had 80 samples";
  EXPECT_THAT(Refusal(mlp, {.samples = 20}), HasSubstr("another samples (was 10, now 20); --output"));
}

}  // namespace
}  // namespace orbit
