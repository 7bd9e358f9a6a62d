// Every operation: gradients against finite differences, single against double precision, any number of threads.
#include <gtest/gtest.h>

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
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "engine/ops/transformer_layer.h"
#include "engine/ops/vector_neurons.h"
#include "tests/engine/operation_check.h"

namespace orbit {
namespace {

using Inputs = std::vector<Variable>;

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

// Its inputs, after those of the layer: feature, direction, weight and bias.
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
      {"IndexAdd",
       {{{5, 3}}},
       [](const Inputs& x) {
         return IndexAdd(x[0], Tensor::From(std::vector<int64_t>{2, 0, 2, 3, 2}, {5}), 4);
       }},
      {"Linear", {{{2, 3, 5}}, {{4, 5}}, {{4}}}, [](const Inputs& x) { return Linear(x[0], x[1], x[2]); }},
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
      {"Dropout",
       {{{20, 7}}},
       [](const Inputs& x) {
         Generator generator(7);
         return Dropout(x[0], 0.3, generator);
       }},
      {"LayerNorm", {{{4, 6}}, {{6}, 0.5, 1.5}, {{6}}}, [](const Inputs& x) { return LayerNorm(x[0], x[1], x[2]); }},
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
      TransformerLayerCase(8, 12, 2),
      TransformerLayerCase(6, 5, 3),
  };
}

class OperationTest : public testing::TestWithParam<OperationCase> {};

TEST_P(OperationTest, GradientsAreThoseOfFiniteDifferences) { CheckGradients(GetParam()); }
TEST_P(OperationTest, SinglePrecisionAgreesWithDouble) { CheckSinglePrecision(GetParam()); }
TEST_P(OperationTest, ThreadsDoNotChangeABit) { CheckThreads(GetParam()); }

TEST_P(OperationTest, NothingIsRecordedWithoutGradients) {
  const NoGrad no_grad;
  EXPECT_FALSE(GetParam().operation(DrawInputs(GetParam(), DType::kF64)).requires_grad());
}

INSTANTIATE_TEST_SUITE_P(All, OperationTest, testing::ValuesIn(Cases()), [](const auto& info) {
  std::string name;
  for (const char c : info.param.name)
    if (std::isalnum(static_cast<unsigned char>(c))) name += c;
  return name + "_" + std::to_string(info.index);
});

// bf16 is stored, and computed in f32: on the host, and on tensor cores, to which the emulator stands in.
TEST(Attention, Bf16FollowsF32) {
  const DType bf16 = DType::kBF16;
  const Tensor x = Generator(1).Normal({2, 19, 3 * 2 * 16}, 0, 1).To(bf16),
               dy = Generator(2).Normal({2, 19, 32}, 0, 1).To(bf16);
  const auto run = [&](DType dtype, Device device) {
    const Variable input(x.To(dtype).To(device), true);
    const Variable y = ScaledDotProductAttention(input, 2);
    EXPECT_EQ(y.dtype(), dtype);
    y.Backward(dy.To(dtype).To(device));
    std::vector<float> both = y.value().ToVector<float>(), gradient = input.grad().ToVector<float>();
    both.insert(both.end(), gradient.begin(), gradient.end());
    return both;
  };
  const std::vector<float> expected = run(DType::kF32, {});
  for (const Device device : {Device{}, Device{DeviceType::kSimt}}) {
    const std::vector<float> actual = run(bf16, device);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i)
      ASSERT_NEAR(actual[i], expected[i], 0.02 * std::max(1.0f, std::abs(expected[i]))) << NameOf(device) << ", " << i;
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

// Among the nodes are some without senders, and one that receives from itself.
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

}  // namespace
}  // namespace orbit
