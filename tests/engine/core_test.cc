// Tensors, autograd and memory, on which everything else is built.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/autocast.h"
#include "engine/edge_lists.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "engine/variable.h"
#include "kernels/parallel.h"

namespace orbit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string MessageOf(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no error";
}

TEST(TensorTest, ShapesViewsAndCopies) {
  const Tensor x = Tensor::From(std::vector<float>{0, 1, 2, 3, 4, 5}, {2, 3});
  EXPECT_EQ(x.dim(-1), 3);
  EXPECT_TRUE(x.Reshape({3, -1}).SharesStorageWith(x));
  EXPECT_THAT(x.Rows(1, 2).ToVector<float>(), ElementsAre(3, 4, 5));
  EXPECT_TRUE(x.Rows(1, 2).SharesStorageWith(x));
  const Tensor copy = x.Clone();
  EXPECT_FALSE(copy.SharesStorageWith(x));
  copy.Zero();
  EXPECT_EQ(x.ToVector<float>()[5], 5);
  x.Rows(0, 1).CopyFrom(Tensor::From(std::vector<float>{7, 8, 9}, {1, 3}));
  EXPECT_THAT(x.ToVector<float>(), ElementsAre(7, 8, 9, 3, 4, 5));
  EXPECT_EQ(x.Describe(), "f32 [2, 3] on cpu");
}

TEST(TensorTest, TypesConvert) {
  const Tensor x = Tensor::From(std::vector<double>{1.75, -2.5, 1.0 / 3}, {3});
  EXPECT_THAT(x.To(DType::kI32).ToVector<int32_t>(), ElementsAre(1, -2, 0));
  EXPECT_FLOAT_EQ(x.To(DType::kF32).ToVector<float>()[2], 1.0f / 3);
  EXPECT_NEAR(x.To(DType::kBF16).ToVector<double>()[2], 1.0 / 3, 1e-3);
  EXPECT_EQ(x.To(DType::kBF16).ToVector<double>()[1], -2.5);
}

TEST(TensorTest, WhatMakesNoSenseIsRefused) {
  const Tensor x = Tensor::Zeros({2, 3});
  EXPECT_THAT(MessageOf([&] { x.data<double>(); }), HasSubstr("used as f64"));
  EXPECT_THROW(x.Reshape({4, -1}), Error);
  EXPECT_THROW(x.Reshape({7}), Error);
  EXPECT_THROW(x.dim(2), Error);
  EXPECT_THROW(x.Rows(1, 3), Error);
  EXPECT_THROW(x.Item(), Error);
  EXPECT_THROW(x.CopyFrom(Tensor::Zeros({3, 2})), Error);
  EXPECT_THROW(Tensor::From(std::vector<float>{1}, {2}), Error);
  EXPECT_THROW(Tensor::Empty({-1}), Error);
  EXPECT_THROW(Tensor::Empty({int64_t{1} << 40, int64_t{1} << 40}), Error);
  EXPECT_THROW(Tensor::Empty({int64_t{1} << 55}), Error);  // more memory than there is
}

TEST(DeviceTest, FreedMemoryIsUsedAgainAndCounted) {
  const Device cpu;
  const MemoryStatistics before = GetMemoryStatistics(cpu);
  const void* address = nullptr;
  {
    const Tensor x = Tensor::Empty({1000003});
    address = x.raw();
    EXPECT_GE(GetMemoryStatistics(cpu).bytes_in_use, before.bytes_in_use + x.bytes());
  }
  EXPECT_EQ(GetMemoryStatistics(cpu).bytes_in_use, before.bytes_in_use);
  EXPECT_GE(GetMemoryStatistics(cpu).peak_bytes_in_use, before.bytes_in_use + 4000012);
  EXPECT_EQ(Tensor::Empty({1000003}).raw(), address);
  EXPECT_THAT(MessageOf([] { ParseDevice("tpu"); }), HasSubstr("cpu"));
}

TEST(VariableTest, GradientsAccumulateThroughSharedPartsAndCalls) {
  const Variable x(Tensor::From(std::vector<double>{2, 3}, {2}), true);
  const Variable square = Mul(x, x);
  Sum(Add(square, Mul(square, x))).Backward();  // x^2 + x^3
  EXPECT_THAT(x.grad().ToVector<double>(), ElementsAre(2 * 2 + 3 * 4, 2 * 3 + 3 * 9));
  Sum(x).Backward();
  EXPECT_THAT(x.grad().ToVector<double>(), ElementsAre(17, 34));
  x.ZeroGrad();
  EXPECT_FALSE(x.grad().defined());
}

TEST(VariableTest, NothingFlowsWhereItIsNotWanted) {
  const Variable x(Tensor::Full({2}, 3), true), constant(Tensor::Full({2}, 5));
  Sum(Mul(Mul(x, constant), x.Detach())).Backward();
  EXPECT_THAT(x.grad().ToVector<float>(), ElementsAre(15, 15));
  EXPECT_FALSE(constant.grad().defined());
  {
    const NoGrad no_grad;
    EXPECT_FALSE(Mul(x, x).requires_grad());
    const NoGrad nested;
  }
  EXPECT_TRUE(Mul(x, x).requires_grad());
  EXPECT_THROW(Mul(x, constant).Backward(), Error);  // not a scalar
}

TEST(VariableTest, SeveralResultsHaveOneBackward) {
  const Variable x(Tensor::From(std::vector<double>{2, 3}, {2}), true);
  int calls = 0;
  const auto split = [&] {
    return MakeVariables("Split", {x.value().Rows(0, 1), x.value().Rows(1, 2)}, {x}, [&](const Gradients& gradients) {
      ++calls;
      std::vector<double> dx(2, 0);
      for (size_t i = 0; i < 2; ++i)
        if (gradients.output(i).defined()) dx[i] = gradients.output(i).Item();
      gradients.Add(0, Tensor::From(dx, {2}));
    });
  };
  {
    const std::vector<Variable> parts = split();
    Add(Square(parts[0]), Mul(parts[0], parts[1])).Backward();  // a^2 + a b
    EXPECT_THAT(x.grad().ToVector<double>(), ElementsAre(2 * 2 + 3, 2));
  }
  x.ZeroGrad();
  Square(split()[1]).Backward();  // nothing holds or uses the other one
  EXPECT_THAT(x.grad().ToVector<double>(), ElementsAre(0, 6));
  EXPECT_EQ(calls, 2);
}

TEST(VariableTest, BackwardFunctionsMayTakeWhatIsThere) {
  const Variable x(Tensor::Full({2}, 3), true), constant(Tensor::Full({2}, 3));
  std::vector<bool> found;
  const auto triple = [&](const Variable& x) {
    return MakeVariable("Triple", Scale(x, 3).value(), {x, constant}, [&](const Gradients& gradients) {
      EXPECT_FALSE(gradients.Take(1).defined());
      const Tensor sum = gradients.Take(0), term = Scale(gradients.output(), 3).value();
      found.push_back(sum.defined());
      EXPECT_FALSE(gradients.Take(0).defined());
      gradients.Add(0, sum.defined() ? Add(sum, term).value() : term);
    });
  };
  const Variable h = triple(x);
  Sum(Add(h, triple(h))).Backward();
  EXPECT_EQ(x.grad().ToVector<double>(), (std::vector<double>{12, 12}));
  EXPECT_EQ(found, (std::vector<bool>{true, false}));
  Sum(triple(x)).Backward();
  EXPECT_EQ(x.grad().ToVector<double>(), (std::vector<double>{15, 15}));
  EXPECT_EQ(found, (std::vector<bool>{true, false, true}));
}

TEST(VariableTest, GradientsHaveTheDTypeOfTheirValue) {
  const Variable x(Tensor::Zeros({2}), true);
  x.AddGrad(Tensor::Full({2}, 1, DType::kBF16));
  x.AddGrad(Tensor::Full({2}, 1.0 / 512, DType::kBF16));  // a sum in bf16 would lose this
  EXPECT_EQ(x.grad().dtype(), DType::kF32);
  EXPECT_THAT(x.grad().ToVector<double>(), ElementsAre(1 + 1.0 / 512, 1 + 1.0 / 512));
}

TEST(AutocastTest, ScopesNestAndBackwardHasThePrecisionOfForward) {
  std::vector<Precision> backward;
  const auto record = [&](const Variable& x) {
    return MakeVariable("Record", x.value(), {x}, [&](const Gradients& gradients) {
      backward.push_back(Autocast::current());
      gradients.Add(0, gradients.output());
    });
  };
  const Variable x(Tensor::Full({}, 1), true);
  Variable y;
  {
    const Autocast outer(Precision::kBf16);
    y = record(x);
    {
      const Autocast inner(Precision::kTf32);
      y = record(y);
    }
    EXPECT_EQ(Autocast::current(), Precision::kBf16);
  }
  y = record(y);
  const Autocast other(Precision::kTf32);
  y.Backward();
  EXPECT_THAT(backward, ElementsAre(Precision::kF32, Precision::kTf32, Precision::kBf16));
  EXPECT_EQ(Autocast::current(), Precision::kTf32);
}

TEST(AutocastTest, PrecisionsHaveNames) {
  for (const Precision precision : {Precision::kF32, Precision::kTf32, Precision::kBf16})
    EXPECT_EQ(ParsePrecision(NameOf(precision)), precision);
  EXPECT_THAT(MessageOf([] { ParsePrecision("f16"); }), HasSubstr("'f16'; known: f32, tf32, bf16"));
}

TEST(VariableTest, HooksAreCalledOnceWhenGradientsAreComplete) {
  const Variable x(Tensor::From(std::vector<double>{2, 3}, {2}), true),
      y(Tensor::From(std::vector<double>{5, 7}, {2}), true);
  std::vector<std::string> called;
  const auto hook = [&](const char* name) {
    return [&called, name](const Variable& leaf) {
      called.push_back(name + ToString({std::llround(leaf.grad().Rows(0, 1).Item())}));
    };
  };
  x.OnGradient(hook("x"));
  y.OnGradient(hook("y"));
  const auto loss = [&] {  // x^4 + x y^2
    const Variable fourth = Square(Mul(x, x));
    return Sum(Add(fourth, Mul(x, Square(y))));
  };
  loss().Backward();
  EXPECT_THAT(called, ElementsAre("y[20]", "x[57]"));
  called.clear();
  loss().Backward();  // gradients accumulate
  EXPECT_THAT(called, ElementsAre("y[40]", "x[114]"));
  called.clear();
  Sum(x).Backward();
  EXPECT_THAT(called, ElementsAre("x[115]"));  // y was not reached
  called.clear();
  // Hooks do not wait for uses that no gradient reaches.
  const Variable blocked = MakeVariable("Blocked", y.value(), {x, y}, [](const Gradients& g) { g.Add(1, g.output()); });
  const Variable cut = MakeVariable("Cut", x.value(), {Square(x)}, [](const Gradients&) {});
  x.ZeroGrad();
  y.ZeroGrad();
  Sum(Add(Add(blocked, cut), x)).Backward();
  EXPECT_THAT(called, ElementsAre("y[1]", "x[1]"));
  called.clear();
  x.OnGradient({});
  y.OnGradient([](const Variable& leaf) { leaf.set_grad(Tensor::Full({2}, 9, DType::kF64)); });
  Sum(Mul(x, y)).Backward();
  EXPECT_TRUE(called.empty());
  EXPECT_THAT(y.grad().ToVector<double>(), ElementsAre(9, 9));
  EXPECT_THROW(Square(x).OnGradient({}), Error);
}

TEST(VariableTest, TheFirstValueThatIsNotFiniteIsNamed) {
  const Variable x(Tensor::From(std::vector<float>{1, 0}, {2}), true);
  SetAnomalyDetection(true);
  EXPECT_THAT(MessageOf([&] { Sum(Square(Log(x))); }), HasSubstr("Log"));
  EXPECT_THAT(MessageOf([&] { Sum(Sqrt(x)).Backward(); }), HasSubstr("Sqrt"));  // its derivative at 0
  SetAnomalyDetection(false);
  EXPECT_EQ(MessageOf([&] { Sum(Log(x)); }), "no error");
}

TEST(VariableTest, ShapesThatDoNotFitAreToldWithBothOperands) {
  const Variable a(Tensor::Zeros({2, 3})), b(Tensor::Zeros({2, 4})), c(Tensor::Zeros({2, 3}, DType::kF64));
  EXPECT_THAT(MessageOf([&] { Add(a, b); }), testing::AllOf(HasSubstr("[2, 3]"), HasSubstr("[2, 4]")));
  EXPECT_THAT(MessageOf([&] { Add(a, c); }), testing::AllOf(HasSubstr("f32"), HasSubstr("f64")));
  EXPECT_THAT(MessageOf([&] { MatMul(a, b); }), HasSubstr("[2, 4]"));
  EXPECT_THAT(MessageOf([&] { Linear(a, b); }), HasSubstr("[2, 4]"));
  EXPECT_THAT(MessageOf([&] { MseLoss(a, b); }), HasSubstr("[2, 4]"));
  EXPECT_THROW(Concat({a, b}, 0), Error);
  EXPECT_THROW(Slice(a, 1, 2, 5), Error);
  EXPECT_THROW(Sum(a, {2}), Error);
  EXPECT_THROW(Permute(a, {0, 0}), Error);
  EXPECT_THROW(Relu(Tensor::Zeros({2}, DType::kI64)), Error);
}

TEST(EdgeListsTest, RowsAreCompressedBothWays) {
  std::vector<int32_t> given;
  const EdgeLists edges = MakeEdgeLists(3, {{{0, 1}, {2, 1}, {1, 0}}, {}, {{2, 2}}}, &given);
  EXPECT_THAT(given, ElementsAre(2, 0, 1, 3));
  EXPECT_THAT(edges.offsets.ToVector<int32_t>(), ElementsAre(0, 1, 3, 3, 3, 3, 3, 3, 3, 4));
  EXPECT_THAT(edges.sources.ToVector<int32_t>(), ElementsAre(1, 0, 2, 2));
  EXPECT_THAT(edges.reverse_offsets.ToVector<int32_t>(), ElementsAre(0, 1, 2, 3, 3, 3, 3, 3, 3, 4));
  EXPECT_THAT(edges.reverse_sources.ToVector<int32_t>(), ElementsAre(1, 0, 1, 2));
  EXPECT_THAT(edges.reverse_edges.ToVector<int32_t>(), ElementsAre(1, 0, 2, 3));
  EXPECT_THAT(MessageOf([] { MakeEdgeLists(3, {{}, {{0, 3}}}); }), HasSubstr("graph 1 has the edge 0 -> 3"));
}

TEST(ParallelTest, EveryChunkRunsOnceAndExceptionsArrive) {
  for (const int threads : {1, 2, 4}) {
    kernels::SetNumThreads(threads);
    std::vector<int> runs(1000, 0);
    kernels::ParallelChunks(1000, [&](int64_t chunk) { ++runs[chunk]; });
    EXPECT_THAT(runs, testing::Each(1));
    EXPECT_THROW(kernels::ParallelChunks(100, [](int64_t chunk) { Check(chunk != 57, "chunk 57"); }), Error);
  }
  kernels::SetNumThreads(2);
  EXPECT_THROW(kernels::SetNumThreads(0), Error);
}

}  // namespace
}  // namespace orbit
