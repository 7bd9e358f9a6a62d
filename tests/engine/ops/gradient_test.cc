// For every operation: gradients against finite differences, single against double precision, and any number of
// threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/autocast.h"
#include "engine/edge_lists.h"
#include "engine/ops/attention.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/diagonal.h"
#include "engine/ops/dropout.h"
#include "engine/ops/edge_mlp.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/graph_attention.h"
#include "engine/ops/indexing.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "engine/ops/message_passing.h"
#include "engine/ops/normalization.h"
#include "engine/ops/pad.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "engine/ops/softmax.h"
#include "engine/ops/transformer_layer.h"
#include "engine/ops/vector_neurons.h"
#include "tests/engine/operation_check.h"

namespace orbit {
namespace {

using Inputs = std::vector<Variable>;

// Layers whose input goes on beside them: LayerNorm's gradient is added to that of the input's other use, be it that of
// a leaf or of a result.
Variable ResidualBranches(const Inputs& x) {
  const auto layer = [&](const Variable& h) { return Add(h, Scale(LayerNorm(h, x[1], x[2]), 2)); };
  return layer(layer(x[0]));
}

OperationCase Unary(const char* name, Variable (*function)(const Variable&), double low = -2, double high = 2) {
  return {name, {{{3, 7}, low, high}}, [function](const Inputs& x) { return function(x[0]); }};
}

OperationCase Binary(const char* name, Variable (*function)(const Variable&, const Variable&), Shape a, Shape b,
                     double low = -2) {
  return {std::string(name) + ToString(a) + ToString(b), {{a, -2, 2}, {b, low, 2}}, [function](const Inputs& x) {
            return function(x[0], x[1]);
          }};
}

// Two graphs of four nodes; the second has a self-loop, a double edge and a node without any.
EdgeLists Edges() {
  return MakeEdgeLists(4, {{{0, 1}, {1, 0}, {1, 2}, {3, 2}, {2, 0}}, {{0, 0}, {1, 2}, {1, 2}, {2, 1}}});
}

RunningStatistics Running(const Variable& like, int64_t channels) {
  return {.mean = Tensor::Full({channels}, 0.1, like.dtype()), .variance = Tensor::Full({channels}, 0.7, like.dtype())};
}

// The parameters of a layer, which follow its other inputs: feature, direction, weight and bias.
VectorNeuronParameters ParametersAt(const Inputs& x, size_t i) { return {x[i], x[i + 1], x[i + 2], x[i + 3]}; }

OperationCase TransformerLayerCase(int64_t width, int64_t hidden, int64_t heads) {
  const Shape w = {width};
  return {"TransformerEncoderLayer" + std::to_string(width),
          {{{3, 5, width}},
           {{3 * width, width}},
           {{3 * width}},
           {{width, width}},
           {w},
           {{hidden, width}},
           {{hidden}},
           {{width, hidden}},
           {w},
           {w, 0.5, 1.5},
           {w},
           {w, 0.5, 1.5},
           {w}},
          [heads](const Inputs& x) {
            return TransformerEncoderLayer(
                x[0], {x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9], x[10], x[11], x[12]}, heads);
          }};
}

// With a mask, of padding, and dropout.
OperationCase MaskedTransformerLayerCase() {
  OperationCase masked = TransformerLayerCase(8, 12, 2);
  masked.name = "TransformerEncoderLayerWithMaskAndDropout";
  masked.operation = [](const Inputs& x) {
    Generator generator(7);
    const Tensor mask = Tensor::From(std::vector<uint8_t>{1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0}, {3, 1, 1, 5});
    return TransformerEncoderLayer(x[0], {x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9], x[10], x[11], x[12]}, 2,
                                   1e-5, mask.To(x[0].device()), 0.2, &generator);
  };
  return masked;
}

Tensor Targets() { return Tensor::From(std::vector<int64_t>{2, 0, -100, 4, 2, 1}, {2, 3}); }

std::vector<OperationCase> Cases() {
  return {
      Binary("Add", Add, {3, 4}, {3, 4}),
      Binary("Add", Add, {2, 3, 4}, {3, 1}),
      Binary("Sub", Sub, {3, 1}, {1, 4}),
      Binary("Mul", Mul, {2, 3, 4}, {4}),
      Binary("Mul", Mul, {}, {2, 3}),
      Binary("Div", Div, {3, 4}, {3, 1}, 0.5),
      Unary("Scale", [](const Variable& x) { return Scale(x, -1.5); }),
      Unary("AddScalar", [](const Variable& x) { return AddScalar(x, 0.3); }),
      Unary("Neg", Neg),
      Unary("Relu", Relu),
      Unary("LeakyRelu", [](const Variable& x) { return LeakyRelu(x, 0.2); }),
      Unary("Gelu", Gelu, -4, 4),
      Unary("Silu", Silu, -4, 4),
      Unary("Tanh", Tanh),
      Unary("Sigmoid", Sigmoid, -4, 4),
      Unary("Exp", Exp),
      Unary("Log", Log, 0.2, 3),
      Unary("Sqrt", Sqrt, 0.2, 3),
      Unary("Square", Square),
      Unary("Abs", Abs),
      Unary("Clamp", [](const Variable& x) { return Clamp(x, -1, 0.5); }),
      Unary("Reshape",
            [](const Variable& x) {
              return Reshape(x, {7, -1});
            }),
      Unary("SumAll", [](const Variable& x) { return Sum(x); }),
      Unary("MeanAll", [](const Variable& x) { return Mean(x); }),
      {"Sum",
       {{{2, 3, 4}}},
       [](const Inputs& x) {
         return Sum(x[0], {0, -1});
       }},
      {"SumKeepdim", {{{2, 3, 4}}}, [](const Inputs& x) { return Sum(x[0], {1}, true); }},
      {"Mean", {{{2, 3, 4}}}, [](const Inputs& x) { return Mean(x[0], {1}); }},
      {"Max", {{{2, 5, 4}}}, [](const Inputs& x) { return Max(x[0], 1); }},
      {"MaxLast", {{{2, 5, 4}}}, [](const Inputs& x) { return Max(x[0], -1); }},
      {"Permute",
       {{{2, 3, 4}}},
       [](const Inputs& x) {
         return Permute(x[0], {2, 0, 1});
       }},
      {"Concat",
       {{{2, 3}}, {{2, 1}}, {{2, 4}}},
       [](const Inputs& x) {
         return Concat({x[0], x[1], x[2]}, -1);
       }},
      {"ConcatTwice",
       {{{2, 3}}},
       [](const Inputs& x) {
         return Concat({x[0], x[0]}, 0);
       }},
      {"Slice", {{{2, 5, 3}}}, [](const Inputs& x) { return Slice(x[0], 1, 1, 4); }},
      {"BroadcastTo",
       {{{3, 1}}},
       [](const Inputs& x) {
         return BroadcastTo(x[0], {2, 3, 4});
       }},
      {"IndexSelect",
       {{{4, 3}}},
       [](const Inputs& x) {
         return IndexSelect(x[0], Tensor::From(std::vector<int64_t>{2, 0, 2, 3, 2}, {5}));
       }},
      {"PadZero", {{{2, 4, 3}}}, [](const Inputs& x) { return Pad(x[0], 1, 2, 5); }},
      {"PadReflect", {{{2, 4, 3}}}, [](const Inputs& x) { return Pad(x[0], 1, 3, 2, PadMode::kReflect); }},
      {"PadReplicate", {{{2, 4, 3}}}, [](const Inputs& x) { return Pad(x[0], -1, 0, 4, PadMode::kReplicate); }},
      {"PadCircular", {{{2, 4, 3}}}, [](const Inputs& x) { return Pad(x[0], 1, 1, 4, PadMode::kCircular); }},
      {"IndexAdd",
       {{{5, 3}}},
       [](const Inputs& x) {
         return IndexAdd(x[0], Tensor::From(std::vector<int64_t>{2, 0, 2, 3, 2}, {5}), 4);
       }},
      {"Linear", {{{2, 3, 5}}, {{4, 5}}, {{4}}}, [](const Inputs& x) { return Linear(x[0], x[1], x[2]); }},
      {"LinearPlus",
       {{{2, 3, 4}}, {{2, 3, 5}}, {{4, 5}}, {{4}}},
       [](const Inputs& x) { return LinearPlus(x[0], x[1], x[2], x[3]); }},
      {"LinearWithoutBias", {{{3, 5}}, {{4, 5}}}, [](const Inputs& x) { return Linear(x[0], x[1]); }},
      {"MatMul", {{{2, 3, 4}}, {{2, 4, 5}}}, [](const Inputs& x) { return MatMul(x[0], x[1]); }},
      {"MatMulTransposeA", {{{2, 4, 3}}, {{2, 4, 5}}}, [](const Inputs& x) { return MatMul(x[0], x[1], true); }},
      {"MatMulTransposeB", {{{2, 3, 4}}, {{2, 5, 4}}}, [](const Inputs& x) { return MatMul(x[0], x[1], false, true); }},
      {"MatMulTransposeBoth", {{{4, 3}}, {{5, 4}}}, [](const Inputs& x) { return MatMul(x[0], x[1], true, true); }},
      {"MatMulSharedB", {{{2, 3, 4}}, {{4, 5}}}, [](const Inputs& x) { return MatMul(x[0], x[1]); }},
      {"MatMulSharedTransposedB",
       {{{2, 3, 4}}, {{5, 4}}},
       [](const Inputs& x) { return MatMul(x[0], x[1], false, true); }},
      {"MseLoss", {{{3, 4}}, {{3, 4}}}, [](const Inputs& x) { return MseLoss(x[0], x[1]); }},
      {"L1Loss", {{{3, 4}}, {{3, 4}}}, [](const Inputs& x) { return L1Loss(x[0], x[1]); }},
      {"BceWithLogitsLoss",
       {{{3, 4}, -5, 5}, {{3, 4}, 0, 1, true}},
       [](const Inputs& x) { return BceWithLogitsLoss(x[0], x[1]); }},
      {"WeightedBceWithLogitsLossSum",
       {{{3, 4}, -5, 5}, {{3, 4}, 0, 1, true}, {{3, 1}, 0, 2, true}},
       [](const Inputs& x) { return BceWithLogitsLoss(x[0], x[1], Reduction::kSum, x[2]); }},
      {"CrossEntropyLoss", {{{2, 3, 5}, -3, 3}}, [](const Inputs& x) { return CrossEntropyLoss(x[0], Targets()); }},
      {"WeightedCrossEntropySum",
       {{{2, 3, 5}, -3, 3}, {{5}, 0.5, 2, true}},
       [](const Inputs& x) { return CrossEntropyLoss(x[0], Targets(), Reduction::kSum, x[1].value()); }},
      {"Softmax", {{{3, 7}, -3, 3}}, [](const Inputs& x) { return Softmax(x[0], -1); }},
      {"SoftmaxOfMiddleAxis", {{{2, 5, 3}, -3, 3}}, [](const Inputs& x) { return Softmax(x[0], 1); }},
      {"Dropout",
       {{{20, 7}}},
       [](const Inputs& x) {
         Generator generator(7);
         return Dropout(x[0], 0.3, generator);
       }},
      {"LayerNorm", {{{4, 6}}, {{6}, 0.5, 1.5}, {{6}}}, [](const Inputs& x) { return LayerNorm(x[0], x[1], x[2]); }},
      {"LayerNormOfResidualBranch", {{{4, 6}}, {{6}, 0.5, 1.5}, {{6}}}, ResidualBranches},
      {"BatchNorm",
       {{{2, 7, 5}}, {{5}, 0.5, 1.5}, {{5}}},
       [](const Inputs& x) { return BatchNorm(x[0], x[1], x[2], Running(x[0], 5), true); }},
      {"BatchNormRelu",
       {{{300, 5}}, {{5}, 0.5, 1.5}, {{5}}},
       [](const Inputs& x) { return BatchNorm(x[0], x[1], x[2], Running(x[0], 5), true, true); }},
      {"BatchNormEvaluation",
       {{{9, 5}}, {{5}, 0.5, 1.5}, {{5}}},
       [](const Inputs& x) { return BatchNorm(x[0], x[1], x[2], Running(x[0], 5), false, true); }},
      {"VectorNeurons",
       {{{4, 5, 3, 2}}, {{4, 3, 3}}, {{6, 5}}, {{6, 5}}, {{6}, 0.5, 1.5}, {{6}}},
       [](const Inputs& x) { return VectorNeurons(x[0], x[1], ParametersAt(x, 2), Running(x[0], 6), true); }},
      {"VectorNeuronsOfASharedDirection",
       {{{4, 5, 3, 2}}, {{6, 2}}, {{1, 2}}, {{6}, 0.5, 1.5}, {{6}}},
       [](const Inputs& x) { return VectorNeurons(x[0], {}, ParametersAt(x, 1), Running(x[0], 6), false); }},
      {"VectorNeuronEdges",
       {{{3, 6, 3, 2}}, {{5, 5}, -1, 1, true}, {{5, 4}}, {{5, 4}}, {{5}, 0.5, 1.5}, {{5}}},
       [](const Inputs& x) { return VectorNeuronEdges(x[0], 3, x[1], ParametersAt(x, 2), Running(x[0], 5), true); }},
      {"VectorMaxPool",
       {{{3, 6, 3, 4}}, {{4, 4}, -1, 1, true}},
       [](const Inputs& x) { return VectorMaxPool(x[0], x[1]); }},
      {"MessageSum", {{{2, 3, 4, 5}}, {{1}}}, [](const Inputs& x) { return MessageSum(x[0], x[1], Edges()); }},
      {"MessageSumWithHub",
       {{{2, 3, 5, 2}}, {{1}}},
       [](const Inputs& x) {
         return MessageSumWithHub(x[0], x[1], Edges(), Tensor::From(std::vector<int32_t>{4, 3}, {2}));
       }},
      {"NormalizedMessageSum",
       {{{2, 3, 4, 5}}, {{2, 4}, 0.2, 1, true}, {{5}}},
       [](const Inputs& x) { return NormalizedMessageSum(x[0], x[1].value(), 1, x[2], Edges()); }},
      {"NormalizedMessageSumOfOthers",
       {{{2, 3, 4, 5}}, {{2, 4}, 0.2, 1, true}},
       [](const Inputs& x) { return NormalizedMessageSum(x[0], x[1].value(), 0, {}, Edges()); }},
      {"GraphAttention",
       {{{2, 3, 4, 2, 5}}, {{2, 3, 4, 2}}, {{2, 3, 4, 2}}},
       [](const Inputs& x) { return GraphAttention(x[0], x[1], x[2], Edges()); }},
      // Three samples of each of two graphs: 24 nodes, 27 edges.
      {"EdgeSilu",
       {{{24, 5}}, {{24, 3}}, {{27, 2}}, {{7, 13}}, {{7}}},
       [](const Inputs& x) { return EdgeSilu(x[0], x[1], x[2], x[3], x[4], Edges()); }},
      {"EdgeSiluOfNodesAlone",
       {{{24, 3}}, {{6, 6}}, {{6}}},
       [](const Inputs& x) { return EdgeSilu(x[0], {}, {}, x[1], x[2], Edges()); }},
      {"EdgeSiluWithoutDistances",
       {{{8, 3}}, {{9, 5}, -1, 1, true}, {{6, 11}}, {{6}}},
       [](const Inputs& x) { return EdgeSilu(x[0], {}, x[1], x[2], x[3], Edges()); }},
      {"SiluSum", {{{27, 5}, -4, 4}}, [](const Inputs& x) { return SiluSum(x[0], 24, Edges()); }},
      {"SiluAndSum",
       {{{27, 5}, -4, 4}},
       [](const Inputs& x) {
         const auto [messages, sums] = SiluAndSum(x[0], 24, Edges());
         return Concat({Square(messages), sums, sums}, 0);
       }},
      {"SiluAndUnusedSum", {{{27, 5}, -4, 4}}, [](const Inputs& x) { return SiluAndSum(x[0], 24, Edges()).messages; }},
      {"UnusedSiluAndSum", {{{27, 5}, -4, 4}}, [](const Inputs& x) { return SiluAndSum(x[0], 24, Edges()).sums; }},
      {"MeanMoves",
       {{{27, 5}}, {{1, 5}}, {{24, 3}}},
       [](const Inputs& x) { return MeanMoves(x[0], x[1], x[2], 100, Edges()); }},
      {"ClampedMeanMoves",
       {{{27, 5}, 1, 2}, {{1, 5}}, {{24, 3}}},
       [](const Inputs& x) { return MeanMoves(x[0], x[1], x[2], 0.3, Edges()); }},
      {"Diagonal", {{{2, 3, 3, 4}}}, [](const Inputs& x) { return Diagonal(x[0]); }},
      {"DiagonalEmbed", {{{2, 3, 4}}}, [](const Inputs& x) { return DiagonalEmbed(x[0]); }},
      {"ScaledDotProductAttention",
       {{{3, 5, 24}, -2, 2}},
       [](const Inputs& x) { return ScaledDotProductAttention(x[0], 2); }},
      {"AttentionWithAddedMask",
       {{{2, 4, 24}, -2, 2}, {{2, 4, 4}, -1, 1, true}},
       [](const Inputs& x) { return ScaledDotProductAttention(x[0], 2, x[1].value()); }},
      {"AttentionWithBooleanMask",
       {{{2, 3, 24}, -2, 2}},
       [](const Inputs& x) {
         const Tensor mask = Tensor::From(std::vector<uint8_t>{1, 0, 1, 0, 0, 0, 1, 1, 1}, {3, 3});
         return ScaledDotProductAttention(x[0], 2, mask.To(x[0].device()));
       }},
      {"AttentionWithDropout",
       {{{2, 5, 24}, -2, 2}},
       [](const Inputs& x) {
         Generator generator(7);
         return ScaledDotProductAttention(x[0], 2, {}, 0.3, &generator);
       }},
      MaskedTransformerLayerCase(),
      TransformerLayerCase(8, 12, 2),
      TransformerLayerCase(6, 5, 3),
  };
}

// Those that are computed in bf16, which the activations of a model meet.
std::vector<OperationCase> BF16Cases() {
  const std::vector<std::string> without = {"Max",       "Loss",       "CrossEntropy", "BatchNorm",
                                            "Message",   "GraphAtt",   "EdgeSilu",     "Silu",
                                            "MeanMoves", "UnusedSilu", "ClampedMean",  "VectorNeuron"};
  std::vector<OperationCase> cases;
  for (OperationCase& checked : Cases()) {
    const bool is_silu = checked.name == "Silu";
    const auto named = [&](const std::string& part) { return checked.name.find(part) != std::string::npos; };
    if (is_silu || std::none_of(without.begin(), without.end(), named)) cases.push_back(std::move(checked));
  }
  return cases;
}

class OperationTest : public testing::TestWithParam<OperationCase> {};

TEST_P(OperationTest, GradientsAreThoseOfFiniteDifferences) { CheckGradients(GetParam()); }
TEST_P(OperationTest, SinglePrecisionAgreesWithDouble) { CheckSinglePrecision(GetParam()); }
TEST_P(OperationTest, ThreadsDoNotChangeABit) { CheckThreads(GetParam()); }

TEST_P(OperationTest, NothingIsRecordedWithoutGradients) {
  const NoGrad no_grad;
  EXPECT_FALSE(GetParam().operation(DrawInputs(GetParam(), DType::kF64)).requires_grad());
}

TEST(ParametersTest, AreOnlyRead) {
  for (const OperationCase& checked : Cases())
    for (const std::string name : {"Linear", "BatchNorm", "VectorNeuron", "EdgeSilu", "MeanMoves"})
      if (checked.name.starts_with(name)) CheckInputsAreOnlyRead(checked);
}

std::string TestName(const testing::TestParamInfo<OperationCase>& info) {
  std::string name;
  for (const char c : info.param.name)
    if (std::isalnum(static_cast<unsigned char>(c))) name += c;
  return name + "_" + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(All, OperationTest, testing::ValuesIn(Cases()), TestName);

class BF16Test : public testing::TestWithParam<OperationCase> {};

TEST_P(BF16Test, FollowsF32OnTheHost) { CheckBF16(GetParam(), {}); }
TEST_P(BF16Test, FollowsF32OnAGpu) { CheckBF16(GetParam(), {DeviceType::kSimt}); }

INSTANTIATE_TEST_SUITE_P(All, BF16Test, testing::ValuesIn(BF16Cases()), TestName);

TEST(SoftmaxTest, IsWhatItSays) {
  const float none = -std::numeric_limits<float>::infinity();
  const Tensor x = Tensor::From(std::vector<float>{0, std::log(3.0f), none, none, none, none}, {2, 3});
  for (const Device device : {Device{}, Device{DeviceType::kSimt}}) {
    const std::vector<float> y = Softmax(x.To(device), 1).value().ToVector<float>(),
                             expected = {0.25, 0.75, 0, 0, 0, 0};
    for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], expected[i], 1e-6) << i;
  }
}

// Probabilities of 1/2, 1/4 and 1/4 for every row.
TEST(CrossEntropyTest, WeightsAndIgnoredTargets) {
  const double two = std::log(2.0);
  const std::vector<double> logits = {two, 0, 0, two, 0, 0, two, 0, 0, two, 0, 0};
  const Tensor x = Tensor::From(logits, {4, 3}), target = Tensor::From(std::vector<int64_t>{0, 2, -100, 1}, {4}),
               weight = Tensor::From(std::vector<double>{1, 3, 0.5}, {3});
  for (const Device device : {Device{}, Device{DeviceType::kSimt}}) {
    const auto loss = [&](Reduction reduction, const Tensor& weight) {
      return CrossEntropyLoss(x.To(device), target.To(device), reduction, weight.To(device)).value().Item();
    };
    EXPECT_NEAR(loss(Reduction::kSum, {}), 5 * two, 1e-14);
    EXPECT_NEAR(loss(Reduction::kMean, {}), 5 * two / 3, 1e-14);
    EXPECT_NEAR(loss(Reduction::kSum, weight), (1 + 3 * 2 + 0.5 * 2) * two, 1e-14);
    EXPECT_NEAR(loss(Reduction::kMean, weight), 8 * two / 4.5, 1e-14);
  }
  EXPECT_EQ(CrossEntropyDenominator(target), 3);
  EXPECT_EQ(CrossEntropyDenominator(target, weight), 4.5);
  EXPECT_THROW(CrossEntropyLoss(x, Tensor::From(std::vector<int64_t>{0, 3, 1, 1}, {4})), Error);
  EXPECT_THROW(CrossEntropyLoss(x, Tensor::Full({4}, -100, DType::kI64)), Error);
}

// Padding is what is not there: a sequence with padded keys, masked, gives its queries what the shorter one does.
TEST(Attention, MaskedKeysTakeNoPart) {
  const Tensor x = Generator(1).Normal({2, 7, 24}, 0, 1, DType::kF64);
  const Tensor mask = Tensor::From(std::vector<uint8_t>{1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0}, {2, 1, 1, 7});
  const Variable expected = ScaledDotProductAttention(Slice(x, 1, 0, 4), 2);
  for (const Device device : {Device{}, Device{DeviceType::kSimt}}) {
    const Variable padded = ScaledDotProductAttention(x.To(device), 2, mask.To(device));
    const Variable difference = Sub(Slice(padded, 1, 0, 4).value().To(Device{}), expected);
    EXPECT_LT(Max(Reshape(Abs(difference), {-1}), 0).value().Item(), 1e-14);
  }
  EXPECT_THROW(ScaledDotProductAttention(x, 2, Tensor::Zeros({2, 1, 1, 6})), Error);
  EXPECT_THROW(ScaledDotProductAttention(x, 2, Tensor::Zeros({7}, DType::kI64)), Error);
}

// The layer as one operation is what one operation after another gives, which a mask that masks nothing makes it.
TEST(TransformerEncoderLayerTest, IsWhatSingleOperationsGive) {
  const OperationCase layer = TransformerLayerCase(8, 12, 2);
  const Inputs x = DrawInputs(layer, DType::kF64);
  const Variable fused = layer.operation(x);
  const Variable composed =
      TransformerEncoderLayer(x[0], {x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9], x[10], x[11], x[12]}, 2,
                              1e-5, Tensor::Zeros({}, DType::kF64));
  EXPECT_LT(Max(Reshape(Abs(Sub(fused, composed)), {-1}), 0).value().Item(), 1e-13);
}

TEST(AutocastTest, ResultsAreBF16AndParametersStayF32) {
  const Variable x(Generator(1).Normal({3, 8}, 0, 1), true), weight(Generator(2).Normal({8, 8}, 0, 1), true),
      positions(Generator(3).Normal({8}, 0, 1), true);
  Variable y;
  {
    const Autocast scope(Precision::kBf16);
    y = Add(Linear(x, weight), positions);
    EXPECT_EQ(y.dtype(), DType::kBF16);
    EXPECT_EQ(Concat({y, x}, 0).dtype(), DType::kBF16);
    EXPECT_EQ(Linear(Cast(x, DType::kF64), Cast(weight, DType::kF64)).dtype(), DType::kF64);
  }
  EXPECT_THROW(Add(y, positions), Error);
  y = Cast(y, DType::kF32);
  Sum(Square(y)).Backward();
  for (const Variable& v : {x, weight, positions}) EXPECT_EQ(v.grad().dtype(), DType::kF32);
  // Sums over rows are not rounded to bf16.
  const std::vector<float> gradient = weight.grad().ToVector<float>();
  EXPECT_FALSE(std::all_of(gradient.begin(), gradient.end(), [](float g) { return ToFloat(ToBFloat16(g)) == g; }));
}

// The host has kernels for attention without a mask, in blocks of queries, and with one; both give the same.
TEST(Attention, WithoutAMaskIsThatWithAMaskOfZeros) {
  Generator generator(8);
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    const Tensor x = generator.Normal({2, 71, 3 * 2 * 5}, 0, 1, dtype), dy = generator.Normal({2, 71, 10}, 0, 1, dtype);
    std::vector<std::vector<double>> results;
    for (const Tensor& mask : {Tensor(), Tensor::Zeros({1}, dtype)}) {
      const Variable projected(x, true);
      const Variable y = ScaledDotProductAttention(projected, 2, mask);
      y.Backward(dy);
      results.push_back(y.value().ToVector<double>());
      results.push_back(projected.grad().ToVector<double>());
    }
    for (int i = 0; i < 2; ++i)
      for (size_t j = 0; j < results[i].size(); ++j)
        ASSERT_NEAR(results[i][j], results[2 + i][j], dtype == DType::kF64 ? 1e-13 : 5e-6) << i << " " << j;
  }
}

TEST(Attention, RefusesHeadsThatDoNotDivideTheWidth) {
  EXPECT_THROW(ScaledDotProductAttention(Tensor::Zeros({2, 3, 24}), 3), Error);
}

// Large enough for several chunks of work.
std::vector<OperationCase> LargeCases() {
  return {
      {"Linear", {{{700, 64}}, {{192, 64}}, {{192}}}, [](const Inputs& x) { return Linear(x[0], x[1], x[2]); }},
      {"MatMul", {{{7, 130, 65}}, {{7, 65, 33}}}, [](const Inputs& x) { return MatMul(x[0], x[1]); }},
      {"MseLoss", {{{100001}}, {{100001}}}, [](const Inputs& x) { return MseLoss(x[0], x[1]); }},
      {"SumAxis", {{{50, 777, 3}}}, [](const Inputs& x) { return Sum(x[0], {1}); }},
      {"Gelu", {{{100001}, -3, 3}}, [](const Inputs& x) { return Gelu(x[0]); }},
      {"Broadcast", {{{301, 70}}, {{70}}}, [](const Inputs& x) { return Mul(x[0], x[1]); }},
      {"LayerNorm",
       {{{999, 64}}, {{64}, 0.5, 1.5}, {{64}}},
       [](const Inputs& x) { return LayerNorm(x[0], x[1], x[2]); }},
      {"LayerNormOfResidualBranch", {{{333, 64}}, {{64}, 0.5, 1.5}, {{64}}}, ResidualBranches},
      {"BatchNorm",
       {{{999, 64}}, {{64}, 0.5, 1.5}, {{64}}},
       [](const Inputs& x) { return BatchNorm(x[0], x[1], x[2], Running(x[0], 64), true, true); }},
      {"IndexAdd",
       {{{5000, 3}}},
       [](const Inputs& x) {
         std::vector<int64_t> index(5000);
         for (size_t i = 0; i < index.size(); ++i) index[i] = static_cast<int64_t>(i * i % 97);
         return IndexAdd(x[0], Tensor::From(index, {5000}), 97);
       }},
  };
}

class LargeOperationTest : public testing::TestWithParam<OperationCase> {};

TEST_P(LargeOperationTest, SinglePrecisionAgreesWithDouble) { CheckSinglePrecision(GetParam()); }
TEST_P(LargeOperationTest, ThreadsDoNotChangeABit) { CheckThreads(GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, LargeOperationTest, testing::ValuesIn(LargeCases()),
                         [](const auto& info) { return info.param.name; });

TEST(NormalizedMessageSumTest, IsTheSumOfScaledMessages) {
  const OperationCase drawn = {"", {{{2, 3, 4, 5}}, {{2, 4}}, {{5}}}, {}};
  const Inputs x = DrawInputs(drawn, DType::kF64);
  const Variable s = Reshape(x[1], {2, 1, 4, 1});
  for (const double self : {0.0, 1.0}) {
    const Variable eps = Tensor::Full({1}, self - 1, DType::kF64);
    const Variable expected = Add(Mul(MessageSum(Mul(x[0], s), eps, Edges()), s), x[2]);
    const Variable difference = Sub(NormalizedMessageSum(x[0], x[1].value(), self, x[2], Edges()), expected);
    EXPECT_LT(Max(Reshape(Abs(difference), {-1}), 0).value().Item(), 1e-14);
  }
}

// The graph has nodes without senders, and one that receives from itself.
TEST(EdgeMlpTest, IsWhatSingleOperationsGive) {
  const EdgeLists edges = Edges();
  const std::vector<int64_t> receivers = {0, 0, 1, 2, 2, 4, 5, 6, 6}, senders = {1, 2, 0, 1, 3, 4, 6, 5, 5};
  const Tensor to = Tensor::From(receivers, {9}), from = Tensor::From(senders, {9});
  const OperationCase drawn = {"", {{{8, 5}}, {{8, 3}}, {{9, 2}}, {{7, 13}}, {{7}}, {{1, 7}}}, {}};
  const Inputs x = DrawInputs(drawn, DType::kF64);
  const Variable difference = Sub(IndexSelect(x[1], to), IndexSelect(x[1], from));
  const Variable pairs = Concat(
      {IndexSelect(x[0], to), IndexSelect(x[0], from), Sum(Square(difference), {-1}, /*keepdim=*/true), x[2]}, -1);
  const Variable hidden = Silu(Linear(pairs, x[3], x[4]));
  const auto expect_equal = [](const Variable& expected, const Variable& actual, const char* what) {
    EXPECT_LT(Max(Reshape(Abs(Sub(expected, actual)), {-1}), 0).value().Item(), 1e-13) << what;
  };
  expect_equal(hidden, EdgeSilu(x[0], x[1], x[2], x[3], x[4], edges), "EdgeSilu");
  const auto [messages, sums] = SiluAndSum(hidden, 8, edges);
  expect_equal(Silu(hidden), messages, "messages");
  expect_equal(IndexAdd(Silu(hidden), to, 8), sums, "sums");
  const Variable moves = Clamp(Mul(difference, Linear(Silu(hidden), x[5])), -0.1, 0.1);
  const Variable degrees = Tensor::From(std::vector<double>{2, 1, 2, 1, 1, 1, 2, 1}, {8, 1});
  expect_equal(Div(IndexAdd(moves, to, 8), degrees), MeanMoves(hidden, x[5], x[1], 0.1, edges), "MeanMoves");
}

// As the table of pad.h has it, and no further than an axis reaches.
TEST(PadTest, ContinuesAnAxis) {
  const Tensor abcd = Tensor::From(std::vector<double>{1, 2, 3, 4}, {4});
  const auto padded = [&](int64_t before, int64_t after, PadMode mode) {
    return Pad(abcd, 0, before, after, mode).value().ToVector<double>();
  };
  EXPECT_EQ(padded(2, 1, PadMode::kZero), (std::vector<double>{0, 0, 1, 2, 3, 4, 0}));
  EXPECT_EQ(padded(2, 3, PadMode::kReflect), (std::vector<double>{3, 2, 1, 2, 3, 4, 3, 2, 1}));
  EXPECT_EQ(padded(2, 1, PadMode::kReplicate), (std::vector<double>{1, 1, 1, 2, 3, 4, 4}));
  EXPECT_EQ(padded(2, 1, PadMode::kCircular), (std::vector<double>{3, 4, 1, 2, 3, 4, 1}));
  EXPECT_THROW(padded(4, 0, PadMode::kReflect), Error);
  EXPECT_THROW(padded(0, 5, PadMode::kCircular), Error);
  EXPECT_THROW(padded(-1, 0, PadMode::kZero), Error);
  for (const PadMode mode : {PadMode::kZero, PadMode::kReflect, PadMode::kReplicate, PadMode::kCircular})
    EXPECT_EQ(ParsePadMode(NameOf(mode)), mode);
  EXPECT_THROW(ParsePadMode("mirror"), Error);
}

}  // namespace
}  // namespace orbit
