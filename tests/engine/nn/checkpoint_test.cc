// Checkpointed modules give the same bits as plain ones in less memory.
#include "engine/nn/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/autocast.h"
#include "engine/device.h"
#include "engine/nn/batch_norm.h"
#include "engine/nn/linear.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/random.h"

namespace orbit::nn {
namespace {

using testing::ElementsAre;

// A residual block, whose input is used twice.
struct Block : Module {
  Block(int64_t width, Generator& generator) : first(width, 4 * width, generator), second(4 * width, width, generator) {
    AddModule("first", first);
    AddModule("second", second);
  }
  Variable operator()(const Variable& x, Generator& generator) const {
    const Variable hidden = Gelu(first(x));
    return Add(x, Dropout(second(training() ? Dropout(hidden, 0.2, generator) : hidden), 0.1, generator));
  }
  Linear first, second;
};

class Blocks : public Module {
 public:
  Blocks(int64_t count, int64_t width, Generator& generator) : head_(width, width, generator) {
    for (int64_t i = 0; i < count; ++i) blocks_.Add(width, generator);
    AddModule("blocks", blocks_);
    AddModule("head", head_);
  }

  // Blocks whose inputs are also used after them, and a head that is used twice.
  Variable operator()(const Variable& x, bool checkpoint, Generator& generator) const {
    Variable y = head_(x), sum = y;
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const Variable next = checkpoint ? Checkpoint(blocks_[i], y, generator) : blocks_[i](y, generator);
      sum = Add(sum, Mul(next, y));
      y = next;
    }
    return checkpoint ? Add(Checkpoint(head_, y, generator), sum) : Add(head_(y), sum);
  }

 private:
  ModuleList<Block> blocks_;
  Linear head_;
};

std::vector<std::vector<float>> GradientsOf(const Module& module, const Variable& x) {
  std::vector<std::vector<float>> gradients = {x.grad().ToVector<float>()};
  for (const NamedVariable& parameter : module.NamedParameters())
    gradients.push_back(parameter.variable.grad().ToVector<float>());
  return gradients;
}

TEST(Checkpoint, HasTheBitsOfAPlainModule) {
  Generator generator(1);
  const Blocks blocks(3, 8, generator);
  const Variable x(generator.Normal({50, 8}, 0, 1), true);
  const auto run = [&](bool checkpoint) {
    for (const NamedVariable& parameter : blocks.NamedParameters()) parameter.variable.ZeroGrad();
    x.ZeroGrad();
    Generator dropout(7);
    const Variable y = blocks(x, checkpoint, dropout);
    Sum(Square(y)).Backward();
    return std::tuple(y.value().ToVector<float>(), GradientsOf(blocks, x), dropout.stream());
  };
  const auto plain = run(false);
  EXPECT_EQ(run(true), plain);
  EXPECT_EQ(std::get<2>(plain), 6u);
}

TEST(Checkpoint, KeepsNoActivations) {
  Generator generator(1);
  const Blocks blocks(6, 16, generator);
  const Variable x(generator.Normal({1000, 16}, 0, 1));
  const auto live_bytes = [&](bool checkpoint) {
    const int64_t before = GetMemoryStatistics({}).bytes_in_use;
    const Variable y = blocks(x, checkpoint, generator);
    return GetMemoryStatistics({}).bytes_in_use - before;
  };
  // Only the input and output of each block, and as much around the blocks.
  EXPECT_LT(live_bytes(true), 6 * 4 * x.value().bytes());
  EXPECT_GT(live_bytes(false), 6 * 10 * x.value().bytes());
  const auto peak_bytes = [&](bool checkpoint) {
    ResetPeakMemory({});
    const int64_t before = GetMemoryStatistics({}).bytes_in_use;
    Sum(blocks(x, checkpoint, generator)).Backward();
    return GetMemoryStatistics({}).peak_bytes_in_use - before;
  };
  EXPECT_LT(peak_bytes(true), peak_bytes(false) * 2 / 3);
}

TEST(Checkpoint, HooksAreCalledOnceWhenTheGradientIsComplete) {
  Generator generator(1);
  const Blocks blocks(2, 4, generator);
  const Variable x(generator.Normal({5, 4}, 0, 1));
  std::vector<std::string> called;
  std::vector<std::vector<float>> seen;
  for (const NamedVariable& parameter : blocks.NamedParameters())
    parameter.variable.OnGradient([&, name = parameter.name](const Variable& leaf) {
      called.push_back(name);
      seen.push_back(leaf.grad().ToVector<float>());
    });
  Sum(blocks(x, true, generator)).Backward();
  // The head is used first, so its gradient is complete last.
  EXPECT_THAT(called, ElementsAre("blocks.1.first.weight", "blocks.1.first.bias", "blocks.1.second.weight",
                                  "blocks.1.second.bias", "blocks.0.first.weight", "blocks.0.first.bias",
                                  "blocks.0.second.weight", "blocks.0.second.bias", "head.weight", "head.bias"));
  size_t i = 0;
  for (const std::string& name : called)
    for (const NamedVariable& parameter : blocks.NamedParameters()) {
      if (parameter.name != name) continue;
      EXPECT_EQ(seen[i++], parameter.variable.grad().ToVector<float>());
    }
}

TEST(Checkpoint, RunningStatisticsMoveOnce) {
  struct Layer : Module {
    explicit Layer(Generator& generator) : linear(4, 6, generator), norm(6) {
      AddModule("linear", linear);
      AddModule("norm", norm);
    }
    Variable operator()(const Variable& x) const { return norm.ThenRelu(linear(x)); }
    Linear linear;
    BatchNorm norm;
  };
  const auto run = [](bool checkpoint) {
    Generator generator(1);
    const Layer layer(generator);
    const Variable x(generator.Normal({20, 4}, 0, 1), true);
    Sum(Square(checkpoint ? Checkpoint(layer, x, generator) : layer(x))).Backward();
    auto bits = GradientsOf(layer, x);
    for (const NamedVariable& buffer : layer.NamedBuffers()) bits.push_back(buffer.variable.value().ToVector<float>());
    return bits;
  };
  const auto plain = run(false);
  EXPECT_NE(plain.back()[0], 1);
  EXPECT_EQ(run(true), plain);
}

TEST(Checkpoint, ComputesAgainInThePrecisionOfTheForward) {
  struct Layer : Module {
    Variable operator()(const Variable& x) const {
      precisions.push_back(Autocast::current());
      return Square(x);
    }
    mutable std::vector<Precision> precisions;
  };
  const Layer layer;
  Generator generator(1);
  const Variable x(Tensor::Full({2}, 3), true);
  Variable y;
  {
    const Autocast scope(Precision::kTf32);
    y = Checkpoint(layer, x, generator);
  }
  Sum(y).Backward();
  EXPECT_THAT(layer.precisions, ElementsAre(Precision::kTf32, Precision::kTf32));
  EXPECT_THAT(x.grad().ToVector<float>(), ElementsAre(6, 6));
}

TEST(Checkpoint, PassesThroughWhatItDoesNotChange) {
  struct Nothing : Module {
    Variable operator()(const Variable& x) const { return x; }
  };
  const Nothing nothing;
  Generator generator(1);
  const Variable x(Tensor::Full({2}, 3), true);
  Sum(Square(Checkpoint(nothing, Square(x), generator))).Backward();  // x^4
  EXPECT_THAT(x.grad().ToVector<float>(), ElementsAre(108, 108));
  {
    const NoGrad no_grad;
    EXPECT_FALSE(Checkpoint(nothing, Square(x), generator).requires_grad());
  }
}

TEST(Checkpoint, Nests) {
  struct Inner : Module {
    explicit Inner(Generator& generator) : linear(3, 3, generator) { AddModule("linear", linear); }
    Variable operator()(const Variable& x, Generator& generator) const {
      return Dropout(Tanh(linear(x)), 0.5, generator);
    }
    Linear linear;
  };
  struct Outer : Module {
    explicit Outer(Generator& generator) : inner(generator) { AddModule("inner", inner); }
    Variable operator()(const Variable& x, Generator& generator) const {
      return Checkpoint(inner, Checkpoint(inner, x, generator), generator);
    }
    Inner inner;
  };
  Generator generator(1);
  const Outer outer(generator);
  const Variable x(generator.Normal({20, 3}, 0, 1), true);
  const auto run = [&](bool checkpoint) {
    outer.inner.linear.weight.ZeroGrad();
    outer.inner.linear.bias.ZeroGrad();
    x.ZeroGrad();
    Generator dropout(7);
    Sum(checkpoint ? Checkpoint(outer, x, dropout) : outer.inner(outer.inner(x, dropout), dropout)).Backward();
    return GradientsOf(outer, x);
  };
  const auto plain = run(false);
  EXPECT_EQ(run(true), plain);
}

}  // namespace
}  // namespace orbit::nn
