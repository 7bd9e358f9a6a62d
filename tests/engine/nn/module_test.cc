#include "engine/nn/module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/nn/layer_norm.h"
#include "engine/nn/linear.h"

namespace orbit::nn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A layer with a parameter, a buffer, a list of submodules and a dotted name.
class Layer : public Module {
 public:
  explicit Layer(Generator& generator) {
    scale = AddParameter("scale", Tensor::Full({2}, 3));
    count = AddBuffer("count", Tensor::From<int64_t>({7}, {}));
    mean = AddBuffer("mean", Tensor::Zeros({2}));
    for (int i = 0; i < 2; ++i) blocks.Add(2, 2, generator, /*with_bias=*/i == 0);
    AddModule("blocks", blocks);
    AddModule("head.mlp", head);
  }

  Variable scale, count, mean;
  ModuleList<Linear> blocks;

 private:
  Generator fixed_{5};
  Linear head{2, 1, fixed_};
};

class ModuleTest : public testing::Test {
 protected:
  Generator generator{1};
  Layer layer{generator};
};

std::vector<std::string> NamesOf(const std::vector<NamedVariable>& list) {
  std::vector<std::string> names;
  for (const NamedVariable& entry : list) names.push_back(entry.name);
  return names;
}

std::string MessageOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_F(ModuleTest, NamesArePathsInOrderOfRegistration) {
  EXPECT_THAT(NamesOf(layer.NamedParameters()), ElementsAre("scale", "blocks.0.weight", "blocks.0.bias",
                                                            "blocks.1.weight", "head.mlp.weight", "head.mlp.bias"));
  EXPECT_THAT(NamesOf(layer.NamedBuffers()), ElementsAre("count", "mean"));
  EXPECT_EQ(layer.NumParameters(), 2 + 4 + 2 + 4 + 2 + 1);
  EXPECT_EQ(layer.StateDict().size(), 8u);
}

TEST_F(ModuleTest, ParametersRequireGradientsAndBuffersDoNot) {
  for (const NamedVariable& parameter : layer.NamedParameters()) EXPECT_TRUE(parameter.variable.requires_grad());
  for (const NamedVariable& buffer : layer.NamedBuffers()) EXPECT_FALSE(buffer.variable.requires_grad());
}

TEST_F(ModuleTest, TrainingReachesEverySubmodule) {
  EXPECT_TRUE(layer.training() && layer.blocks[1].training());
  layer.Eval();
  EXPECT_FALSE(layer.training() || layer.blocks.training() || layer.blocks[1].training());
  layer.Train();
  EXPECT_TRUE(layer.training() && layer.blocks[1].training());
}

TEST_F(ModuleTest, ConversionReachesTheLayersHandlesAndSparesIntegers) {
  layer.scale.set_grad(Tensor::Full({2}, 1));
  layer.To(DType::kF64);
  EXPECT_EQ(layer.scale.dtype(), DType::kF64);
  EXPECT_EQ(layer.scale.value().ToVector<double>(), (std::vector<double>{3, 3}));
  EXPECT_FALSE(layer.scale.grad().defined());
  EXPECT_TRUE(layer.scale.requires_grad());
  EXPECT_EQ(layer.mean.dtype(), DType::kF64);
  EXPECT_EQ(layer.count.dtype(), DType::kI64);
  EXPECT_EQ(layer.blocks[1].weight.dtype(), DType::kF64);
  EXPECT_THROW(layer.To(DType::kI32), Error);
}

TEST_F(ModuleTest, StateOfAnotherModuleAndDtypeIsCopied) {
  Generator other_generator(2);
  Layer other(other_generator);
  other.scale.value().CopyFrom(Tensor::From<float>({8, 9}, {2}));
  other.To(DType::kF64);
  layer.LoadStateDict(other.StateDict());
  EXPECT_EQ(layer.scale.dtype(), DType::kF32);
  EXPECT_EQ(layer.scale.value().ToVector<float>(), (std::vector<float>{8, 9}));
  EXPECT_EQ(layer.blocks[1].weight.value().ToVector<double>(), other.blocks[1].weight.value().ToVector<double>());
  EXPECT_FALSE(layer.scale.value().SharesStorageWith(other.scale.value()));
}

TEST_F(ModuleTest, EveryMisfitIsNamedAndNothingIsCopied) {
  TensorMap state = layer.StateDict();
  for (auto& [name, tensor] : state) tensor = Tensor::ZerosLike(tensor);
  state.erase("mean");
  state["blocks.0.weight"] = Tensor::Zeros({3, 2});
  state["count"] = Tensor::Zeros({});
  state["stranger"] = Tensor::Zeros({4});
  EXPECT_THAT(
      MessageOf([&] { layer.LoadStateDict(state); }),
      AllOf(HasSubstr("missing: mean f32 [2]"), HasSubstr("mismatch: blocks.0.weight is f32 [3, 2], wanted f32 [2, 2]"),
            HasSubstr("mismatch: count is f32 [], wanted i64 []"), HasSubstr("unexpected: stranger f32 [4]"),
            Not(HasSubstr("scale"))));
  EXPECT_EQ(layer.scale.value().ToVector<float>(), (std::vector<float>{3, 3}));
}

TEST_F(ModuleTest, MissingAndUnexpectedNamesCanBeAllowed) {
  const TensorMap state = {{"scale", Tensor::From<float>({5, 6}, {2})}, {"stranger", Tensor::Zeros({4})}};
  EXPECT_THROW(layer.LoadStateDict(state, {.allow_missing = true}), Error);
  EXPECT_THROW(layer.LoadStateDict(state, {.allow_unexpected = true}), Error);
  layer.LoadStateDict(state, {.allow_missing = true, .allow_unexpected = true});
  EXPECT_EQ(layer.scale.value().ToVector<float>(), (std::vector<float>{5, 6}));
}

TEST_F(ModuleTest, BatchCountersOfPublishedCheckpointsAreIgnored) {
  TensorMap state = layer.StateDict();
  state["blocks.0.num_batches_tracked"] = Tensor::Zeros({}, DType::kI64);
  EXPECT_NO_THROW(layer.LoadStateDict(state));
  state["blocks.0.num_batches_tracked"] = Tensor::Zeros({});
  EXPECT_THROW(layer.LoadStateDict(state), Error);
}

TEST(Module, NamesAreUniqueAndNotEmpty) {
  struct Bad : Module {
    explicit Bad(const std::string& name) {
      AddParameter("a", Tensor::Zeros({1}));
      AddBuffer(name, Tensor::Zeros({1}));
    }
  };
  EXPECT_NO_THROW(Bad("b"));
  EXPECT_THROW(Bad("a"), Error);
  EXPECT_THROW(Bad(""), Error);
}

TEST(LinearLayer, ComputesAndReceivesGradients) {
  Generator generator(3);
  Linear linear(2, 1, generator);
  linear.LoadStateDict({{"weight", Tensor::From<float>({2, -1}, {1, 2})}, {"bias", Tensor::From<float>({0.5}, {1})}});
  const Variable y = linear(Tensor::From<float>({3, 4}, {1, 2}));
  EXPECT_FLOAT_EQ(y.value().Item(), 2.5);
  y.Backward();
  EXPECT_EQ(linear.weight.grad().ToVector<float>(), (std::vector<float>{3, 4}));
  EXPECT_EQ(linear.bias.grad().ToVector<float>(), (std::vector<float>{1}));
}

TEST(LinearLayer, WithoutBiasHasNone) {
  Generator generator(3);
  const Linear linear(2, 1, generator, /*with_bias=*/false);
  EXPECT_FALSE(linear.bias.defined());
  EXPECT_EQ(linear.NamedParameters().size(), 1u);
}

TEST(LayerNormLayer, StartsAsPlainNormalisationWithItsEps) {
  const LayerNorm norm(2, /*eps=*/3);
  const Variable y = norm(Tensor::From<float>({4, 6, 7, 7}, {2, 2}));
  EXPECT_EQ(y.value().ToVector<float>(), (std::vector<float>{-0.5, 0.5, 0, 0}));  // (x - 5) / sqrt(1 + 3)
}

}  // namespace
}  // namespace orbit::nn
