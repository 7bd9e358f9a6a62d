// Learning rates by parameter, and weights that a run begins with.
#include "tools/experiments/fine_tuning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "engine/io/safetensors.h"
#include "models/graph_image_model.h"

namespace orbit {
namespace {

Config MakeConfig(const std::vector<std::string>& assignments) {
  ConfigSchema schema;
  schema.Double("train.learning_rate", 1e-3, "");
  FineTuning::AddKeys(schema);
  Config config(schema);
  for (const std::string& assignment : assignments) config.Set(assignment);
  return config;
}

TEST(FineTuningTest, TheTransformerLearnsAtItsOwnRateAndLessTowardsItsInput) {
  const FineTuning same(MakeConfig({}));
  EXPECT_EQ(same.RateFactor("backbone.backbone.blocks.1.norm1.weight", 12), 1);
  const FineTuning slower(MakeConfig({"train.pretrained_learning_rate=1e-4", "train.layer_decay=0.5"}));
  const auto factor = [&](const std::string& name) { return slower.RateFactor(name, 12); };
  EXPECT_EQ(factor("input_proj.proj.0.proj.weight"), 1);
  EXPECT_EQ(factor("distribution.prob_interface_net.virtual_node"), 1);
  EXPECT_NEAR(factor("backbone.backbone.norm.bias"), 0.1, 1e-15);
  EXPECT_NEAR(factor("backbone.backbone.blocks.11.mlp.fc1.weight"), 0.05, 1e-15);
  EXPECT_NEAR(factor("backbone.backbone.blocks.10.mlp.fc1.weight"), 0.025, 1e-15);
  EXPECT_NEAR(factor("backbone.backbone.pos_embed"), 0.1 / 8192, 1e-15);
  EXPECT_THROW(FineTuning(MakeConfig({"train.learning_rate=0", "train.pretrained_learning_rate=1e-4"})), Error);
}

TEST(FineTuningTest, ARunBeginsWithWeights) {
  Generator generator(3);
  GraphImageModelOptions options;
  options.transformer = {.width = 8, .layers = 2, .heads = 2, .hidden = 8, .grid = 2};
  options.image.n = 6;
  const auto trained = MakeGraphImageModel(options, generator), model = MakeGraphImageModel(options, generator);
  const std::string path = (std::filesystem::path(std::getenv("TEST_TMPDIR")) / "weights.safetensors").string();
  io::WriteSafetensors(path, {.tensors = TransformerState(*trained)});
  const FineTuning fine_tuning(MakeConfig({"model.weights=" + path}));
  EXPECT_THAT(fine_tuning.LoadPretrained(*model), testing::HasSubstr("28 tensors loaded"));
  EXPECT_EQ(TransformerState(*model).at("pos_embed").ToVector<float>(),
            TransformerState(*trained).at("pos_embed").ToVector<float>());
  EXPECT_EQ(FineTuning(MakeConfig({})).LoadPretrained(*model), "");
}

}  // namespace
}  // namespace orbit
