// Sizes by name, patch dropout, and weights of others: complete, or refused with a list.
#include "models/vision_transformer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "data/io/weights.h"
#include "engine/io/safetensors.h"
#include "models/graph_image_model.h"
#include "models/vision_transformer_weights.h"
#include "tests/models/example_data.h"

namespace orbit {
namespace {

using testing::HasSubstr;

VisionTransformerOptions Small() { return {.width = 8, .layers = 2, .heads = 2, .hidden = 12, .grid = 4}; }

TEST(VisionTransformerTest, SizesAreTimms) {
  const VisionTransformerOptions base = ParseVisionTransformer("vit_base_patch16_224.augreg_in21k");
  EXPECT_EQ(std::vector<int64_t>({base.width, base.layers, base.heads, base.hidden, base.grid}),
            std::vector<int64_t>({768, 12, 12, 3072, 14}));
  const VisionTransformerOptions large = ParseVisionTransformer("vit_large_patch32_384");
  EXPECT_EQ(std::vector<int64_t>({large.width, large.layers, large.heads, large.grid}),
            std::vector<int64_t>({1024, 24, 16, 12}));
  EXPECT_EQ(ParseVisionTransformer("vit_tiny_patch8_224").grid, 28);
  for (const char* name : {"vit_huge_patch16_224", "vit_base_patch14_224", "vit_base", "resnet50", ""})
    EXPECT_THROW(ParseVisionTransformer(name), Error) << name;
  Generator generator(1);
  // timm's vit_tiny_patch16_224 has 5,717,416 parameters, of which 147,648 embed patches and 193,000 are the head.
  EXPECT_EQ(VisionTransformer(ParseVisionTransformer("vit_tiny_patch16_224"), generator).NumParameters(),
            5717416 - 147648 - 193000);
}

// Each patch is its own number, so that what comes out shows which were kept. Blocks are made to change nothing.
TEST(VisionTransformerTest, PatchDropoutKeepsTheClassTokenAndARandomPartOfThePatches) {
  VisionTransformerOptions options = Small();
  options.patch_dropout = 0.3;
  Generator generator(2);
  VisionTransformer transformer(options, generator);
  for (const auto& [name, variable] : transformer.NamedParameters())
    if (name == "pos_embed" || name.starts_with("blocks")) variable.value().Zero();
  constexpr int64_t kRows = 5, kPatches = 16, kWidth = 8;
  std::vector<float> values(kRows * kPatches * kWidth);
  for (size_t i = 0; i < values.size(); ++i)  // after LayerNorm, patch p is recognised by its first channel
    values[i] = i % kWidth == 0 ? static_cast<float>(i / kWidth % kPatches) : static_cast<float>(i % kWidth);
  const Tensor patches = Tensor::From(values, {kRows, kPatches, kWidth});
  const auto rows_of = [&](const Variable& y) {
    std::vector<std::vector<float>> rows;
    const std::vector<float> numbers = y.value().ToVector<float>();
    for (size_t i = 0; i < numbers.size(); i += kWidth)
      rows.emplace_back(numbers.begin() + static_cast<int64_t>(i), numbers.begin() + static_cast<int64_t>(i) + kWidth);
    return rows;
  };
  transformer.Eval();
  const auto all = rows_of(transformer(patches, generator));
  ASSERT_EQ(all.size(), static_cast<size_t>(kRows * (1 + kPatches)));
  transformer.Train();
  const Variable y = transformer(patches, generator);
  constexpr int64_t kKept = 11;  // floor(16 * 0.7)
  ASSERT_EQ(y.shape(), (Shape{kRows, 1 + kKept, kWidth}));
  const auto kept = rows_of(y);
  std::set<std::vector<std::vector<float>>> choices;
  for (int64_t r = 0; r < kRows; ++r) {
    EXPECT_EQ(kept[r * (1 + kKept)], all[r * (1 + kPatches)]);
    std::vector<std::vector<float>> of_row(kept.begin() + r * (1 + kKept) + 1, kept.begin() + (r + 1) * (1 + kKept));
    for (const auto& patch : of_row)
      EXPECT_TRUE(std::find(all.begin() + 1, all.begin() + 1 + kPatches, patch) != all.begin() + 1 + kPatches);
    std::sort(of_row.begin(), of_row.end());
    EXPECT_TRUE(std::adjacent_find(of_row.begin(), of_row.end()) == of_row.end());
    choices.insert(of_row);
  }
  EXPECT_GT(choices.size(), 1u);

  options.patch_dropout = 0.9;
  options.patch_dropout_drawn = true;
  VisionTransformer drawn(options, generator);
  std::set<int64_t> counts;
  for (int i = 0; i < 20; ++i) counts.insert(drawn(patches, generator).dim(1) - 1);
  EXPECT_GT(counts.size(), 3u);
  EXPECT_GE(*counts.begin(), 1);
  // The parts of a batch leave out as many patches, and the same ones.
  Generator before = generator;
  const Variable whole = drawn(patches, generator);
  Generator part = before.WithRows({.first = 2, .count = 3, .total = kRows});
  EXPECT_EQ(drawn(patches.Rows(2, 5), part).value().ToVector<float>(), whole.value().Rows(2, 5).ToVector<float>());

  EXPECT_THROW(
      {
        GraphImageModelOptions nodes = ExampleImageOptions(1, "learned");
        nodes.transformer.patch_dropout = 0.5;
        MakeGraphImageModel(nodes, generator);
      },
      Error);
}

// Computed by torch.nn.functional.interpolate(x, size, mode="bicubic", antialias=True) of PyTorch 2.
TEST(ResamplePositionsTest, IsPyTorchsBicubicInterpolation) {
  const std::vector<double> x = {9, 0.5, -1.25, 2, 0.75, 3.5, -0.5, 1, 0.25, -2.75, 1.5, 0, -1, 2.25, -3, 0.5, 1.75};
  const Tensor positions = Tensor::From(x, {1, 17, 1});
  const auto resampled = [&](int64_t grid) { return ResamplePositions(positions, 1, grid).ToVector<double>(); };
  const auto expect_near = [](const std::vector<double>& actual, const std::vector<double>& expected) {
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 2e-6) << i;
  };
  expect_near(resampled(2), {9, 0.5699404, 0.6340499, -0.223021, 0.194343});
  expect_near(resampled(3), {9, 0.7414056, 0.2568617, 1.1437941, 0.4121553, 0.6123554, -0.2715254, -0.0635673,
                             -0.8365868, 0.9506099});
  expect_near(resampled(6),
              {9,          0.4080249,  -0.649187,  -0.9721384, 1.7164278,  1.5845587, 0.6984936, 2.4961295,
               0.5761246,  -0.8804469, 1.2946627,  1.2119378,  0.5224457,  3.062583,  1.3812299, -0.2120302,
               0.7079799,  0.4621457,  -0.0123589, -2.5010431, -0.3879701, 1.5854555, 0.3613035, -0.5846949,
               -1.0864629, -0.4512385, -0.66609,   -0.6669392, 0.0754358,  0.3564014, 0.3939629, 2.9654601,
               -0.4109907, -3.1913314, -0.0768983, 1.4982588,  2.022897});
  EXPECT_EQ(resampled(4), x);
  EXPECT_THROW(ResamplePositions(Tensor::Zeros({1, 16, 1}), 1, 2), Error);
}

class WeightsTest : public testing::Test {
 protected:
  // Random weights of a transformer, with timm's patch embedding and head.
  TensorMap Timm(VisionTransformerOptions options = Small()) {
    TensorMap weights = VisionTransformer(options, generator_).StateDict();
    weights["patch_embed.proj.weight"] = generator_.Normal({options.width, 3, 16, 16}, 0, 1);
    weights["patch_embed.proj.bias"] = generator_.Normal({options.width}, 0, 1);
    weights["head.weight"] = generator_.Normal({10, options.width}, 0, 1);
    weights["head.bias"] = generator_.Normal({10}, 0, 1);
    return weights;
  }

  std::string WhyNot(const TensorMap& weights, VisionTransformerOptions options = Small()) {
    VisionTransformer transformer(options, generator_);
    const TensorMap before = transformer.StateDict();
    const std::vector<float> norm = before.at("norm.weight").ToVector<float>();
    try {
      LoadVisionTransformer(weights, transformer.StateDict());
    } catch (const Error& error) {
      EXPECT_EQ(transformer.StateDict().at("norm.weight").ToVector<float>(), norm);
      return error.what();
    }
    return "";
  }

  Generator generator_{4};
};

TEST_F(WeightsTest, AFileOfTimmsIsLoadedCompletely) {
  const TensorMap weights = Timm();
  const std::string path =
      (std::filesystem::path(std::getenv("TEST_TMPDIR")) / "vit_small_patch16_224.safetensors").string();
  io::WriteSafetensors(path, {.tensors = weights});
  Generator other(5);
  GraphImageModelOptions options = ExampleImageOptions(1, "learned");
  options.transformer = Small();
  const std::unique_ptr<Model> model = MakeGraphImageModel(options, other);
  const TensorMap transformer = TransformerState(*model);
  const LoadedVisionTransformer loaded = LoadVisionTransformer(ReadWeights(path, transformer), transformer);
  EXPECT_EQ(loaded.tensors, 2 + 2 * 12 + 2);
  EXPECT_THAT(loaded.ignored, testing::UnorderedElementsAre("patch_embed.proj.weight", "patch_embed.proj.bias",
                                                            "head.weight", "head.bias"));
  EXPECT_THAT(loaded.Describe(), HasSubstr("28 tensors loaded; ignored: head.bias"));
  const TensorMap state = model->StateDict();
  for (const auto& [name, tensor] : transformer)
    EXPECT_EQ(state.at("backbone.backbone." + name).ToVector<float>(), weights.at(name).ToVector<float>()) << name;
}

TEST_F(WeightsTest, PositionsFitAnotherGrid) {
  const TensorMap weights = Timm();
  VisionTransformerOptions options = Small();
  options.grid = 3;
  VisionTransformer transformer(options, generator_);
  const LoadedVisionTransformer loaded = LoadVisionTransformer(weights, transformer.StateDict());
  EXPECT_THAT(loaded.Describe(), HasSubstr("positions interpolated from 4 x 4 to 3 x 3"));
  EXPECT_EQ(transformer.StateDict().at("pos_embed").ToVector<float>(),
            ResamplePositions(weights.at("pos_embed"), 1, 3).ToVector<float>());
}

TEST_F(WeightsTest, ADeitLosesItsDistillationTokenAndItsPosition) {
  TensorMap weights = Timm();
  const std::vector<float> positions = weights.at("pos_embed").ToVector<float>();
  std::vector<float> with_token(positions.begin(), positions.begin() + 8);
  with_token.insert(with_token.end(), 8, 77.0f);
  with_token.insert(with_token.end(), positions.begin() + 8, positions.end());
  weights["pos_embed"] = Tensor::From(with_token, {1, 18, 8});
  weights["dist_token"] = Tensor::Zeros({1, 1, 8});
  weights["head_dist.weight"] = Tensor::Zeros({10, 8});
  VisionTransformer transformer(Small(), generator_);
  const LoadedVisionTransformer loaded = LoadVisionTransformer(weights, transformer.StateDict());
  EXPECT_THAT(loaded.ignored, testing::Contains("dist_token"));
  EXPECT_EQ(transformer.StateDict().at("pos_embed").ToVector<float>(), positions);
}

TEST_F(WeightsTest, WhatDoesNotFitIsListed) {
  TensorMap weights = Timm();
  weights.erase("norm.bias");
  weights["blocks.2.norm1.weight"] = Tensor::Zeros({8});
  const std::string why = WhyNot(weights);
  EXPECT_THAT(why, HasSubstr("missing: norm.bias f32 [8]"));
  EXPECT_THAT(why, HasSubstr("unexpected: blocks.2.norm1.weight"));
  VisionTransformerOptions wider = Small();
  wider.width = 16;
  const std::string sizes = WhyNot(Timm(), wider);
  EXPECT_THAT(sizes, HasSubstr("mismatch: pos_embed is f32 [1, 17, 8], wanted f32 [1, 17, 16]"));
  EXPECT_THAT(sizes, HasSubstr("mismatch: blocks.1.mlp.fc2.weight"));
}

TEST_F(WeightsTest, OtherArchitecturesAreRefusedByName) {
  const auto with = [&](const std::string& name) {
    TensorMap weights = Timm();
    weights[name] = Tensor::Zeros({8});
    return WhyNot(weights);
  };
  EXPECT_THAT(with("blocks.0.attn.relative_position_bias_table"), HasSubstr("BEiT"));
  EXPECT_THAT(with("blocks.0.gamma_1"), HasSubstr("layer scale"));
  EXPECT_THAT(with("blocks.0.ls1.gamma"), HasSubstr("DeiT III"));
  EXPECT_THAT(with("reg_token"), HasSubstr("register"));
}

}  // namespace
}  // namespace orbit
