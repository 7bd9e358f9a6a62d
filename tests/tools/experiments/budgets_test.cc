#include "tools/experiments/budgets.h"

#include <gmock/gmock.h>

#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using io::MessageOf;
using io::WriteFile;
using testing::HasSubstr;

class BudgetsTest : public io::FileTest {};

TEST_F(BudgetsTest, TakeThePlaceOfThePresetsSettings) {
  WriteFile(Path("mine.yaml"), "nbody:\n  model: {transformer: {layers: 2}}\n  train: {samples: 3, batch: 7}\n");
  const Config learned = ResolveSettings(AtBudget("nbody_paper", Path("mine.yaml")));
  EXPECT_EQ(learned.Int("model.transformer.layers"), 2);
  EXPECT_EQ(learned.Int("train.samples"), 3);
  EXPECT_EQ(learned.Int("train.batch"), 7);
  EXPECT_EQ(learned.String("run.budget"), "mine");
  EXPECT_EQ(learned.String("run.preset"), "nbody_paper");
  const Config canonical = ResolveSettings(AtBudget("nbody_gnn_canonical_o3", Path("mine.yaml")));
  EXPECT_EQ(canonical.Int("train.samples"), 1);  // as the preset has one group element
  EXPECT_EQ(canonical.Int("train.batch"), 7);
}

TEST_F(BudgetsTest, ThePapersIsThePresetToTheLetter) {
  const Config preset = ResolveSettings({.preset = "nbody_egnn", .file = "", .assignments = {}});
  const Config config = ResolveSettings(AtBudget("nbody_egnn", "paper"));
  EXPECT_THAT(config.DifferingKeys(preset), testing::ElementsAre("run.budget"));
}

TEST_F(BudgetsTest, TinyPresetsAreTheSmallBudget) {
  for (const auto& [tiny, preset] :
       {std::pair("pattern_tiny", "pattern_scratch"), std::pair("peptides_func_tiny", "peptides_func_scratch")})
    EXPECT_THAT(ResolveSettings(AtBudget(preset, "small"))
                    .DifferingKeys(ResolveSettings({.preset = tiny, .file = "", .assignments = {}})),
                testing::UnorderedElementsAre("run.budget", "run.preset"));
}

TEST_F(BudgetsTest, PretrainedModelsKeepTheirSize) {
  EXPECT_EQ(ResolveSettings(AtBudget("pattern", "paper")).Int("train.steps"), 25000);
  EXPECT_THAT(MessageOf([] { AtBudget("pattern", "small"); }),
              HasSubstr("the budget small has a model of another size than the weights that pattern begins with"));
  EXPECT_TRUE(HasBudget("pattern", "paper") && HasBudget("pattern_scratch", "small"));
  EXPECT_FALSE(HasBudget("pattern", "small") || HasBudget("pcqm_contact", "small"));
  const auto fits = [&](const std::string& model) {
    WriteFile(Path("mine.yaml"), "pattern:\n  model: " + model + "\n");
    return HasBudget("pattern", Path("mine.yaml"));
  };
  EXPECT_FALSE(fits("{transformer: {width: 64}}") || fits("{backbone: vit_tiny_patch16_224}"));
  EXPECT_TRUE(fits("{transformer: {grid: 8}}"));                             // positions are interpolated
  EXPECT_TRUE(fits("{transformer: {width: 0}}"));                            // as it is
  EXPECT_TRUE(fits("{transformer: {width: 64}, weights: ''}"));              // from scratch
  EXPECT_TRUE(fits("{backbone: vit_tiny_patch16_224, weights: tiny.bin}"));  // others
  WriteFile(Path("mine.yaml"), "pattern: {model: {widht: 3}}");
  EXPECT_THAT(MessageOf([&] { HasBudget("pattern", Path("mine.yaml")); }), HasSubstr("widht"));
}

TEST_F(BudgetsTest, NamesWhatIsWrong) {
  EXPECT_THAT(MessageOf([] { AtBudget("nbody_egnn", "papr"); }), HasSubstr("did you mean 'paper'"));
  WriteFile(Path("mine.yaml"), "exp: {}\n");
  EXPECT_THAT(MessageOf([&] { AtBudget("nbody_egnn", Path("mine.yaml")); }), HasSubstr("has nothing for nbody"));
}

}  // namespace
}  // namespace orbit
