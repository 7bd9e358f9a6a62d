// A parameter's copy in bf16 has the bits of a conversion at each use, in whatever way the parameter changed, and is
// not converted again while it has not. Runs on the host, on the emulator and, if there is one, on a GPU.
#include "engine/bf16_copy.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "engine/autocast.h"
#include "engine/capture.h"
#include "engine/nn/nn.h"
#include "engine/ops/cast.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/optim/adam.h"
#include "engine/optim/sgd.h"
#include "engine/training/training_step.h"
#include "kernels/error.h"

namespace orbit {
namespace {

using Floats = std::vector<float>;

class BF16CopyTest : public testing::TestWithParam<Device> {
 protected:
  const Device device_ = GetParam();

  Variable Leaf(int64_t size = 37) { return Variable(generator_.Normal({size}, 0, 1, DType::kF32).To(device_), true); }
  Tensor Other(const Variable& like) { return generator_.Normal(like.shape(), 0, 1, DType::kF32).To(device_); }

  Generator generator_{1};
};

Floats Converted(const Variable& x) { return x.value().To(DType::kBF16).ToVector<float>(); }

// The copy has the bits of a conversion; it is one that was there already, and nothing is written to it.
void ExpectUpToDate(const Variable& x, const Tensor& copy) {
  const int64_t changes = copy.version().changes;
  const Tensor now = x.ValueIn(DType::kBF16);
  EXPECT_TRUE(now.SharesStorageWith(copy));
  EXPECT_EQ(now.ToVector<float>(), Converted(x));
  EXPECT_EQ(copy.version().changes, changes) << "converted again";
}

TEST_P(BF16CopyTest, IsConvertedAtEachUseWithoutAnOptimiserAndOnceWithOne) {
  const Variable x = Leaf();
  EXPECT_FALSE(x.ValueIn(DType::kBF16).SharesStorageWith(x.ValueIn(DType::kBF16)));
  EXPECT_TRUE(x.ValueIn(DType::kF32).SharesStorageWith(x.value()));
  {
    const optim::Sgd one({{"x", x}}), another({{"x", x}});
    ExpectUpToDate(x, x.ValueIn(DType::kBF16));
  }
  EXPECT_FALSE(x.ValueIn(DType::kBF16).SharesStorageWith(x.ValueIn(DType::kBF16)));
}

TEST_P(BF16CopyTest, KernelsOfOptimisersWriteIt) {
  const Variable x = Leaf(4100), never = Leaf(4100), without_gradient = Leaf(5);
  const std::vector<NamedVariable> parameters = {{"x", x}, {"never", never}, {"without_gradient", without_gradient}};
  optim::Adam adam(parameters, {.weight_decay = 0.1});
  optim::Sgd momentum(parameters, {.momentum = 0.9}), sgd(parameters);
  const Tensor copy = x.ValueIn(DType::kBF16), other = without_gradient.ValueIn(DType::kBF16);
  x.set_grad(Other(x));
  never.set_grad(Other(x));
  const Floats before = copy.ToVector<float>();
  const auto steps = [&](const Tensor& norm) {
    for (optim::Optimizer* optimizer : std::initializer_list<optim::Optimizer*>{&adam, &momentum, &sgd}) {
      optimizer->Step(0.1, norm, 0.5);
      ExpectUpToDate(x, copy);
      ExpectUpToDate(without_gradient, other);
    }
  };
  steps({});
  EXPECT_NE(copy.ToVector<float>(), before);
  steps(optim::SquaredGradientNorm(parameters));
  // A step that is skipped, with a copy that is up to date and with one that is not.
  const Floats values = x.value().ToVector<float>();
  const Tensor infinite = Tensor::Full({}, std::numeric_limits<double>::infinity(), DType::kF64, device_);
  steps(infinite);
  EXPECT_EQ(x.value().ToVector<float>(), values);
  x.value().CopyFrom(Other(x));
  adam.Step(0.1, infinite, 0.5);
  EXPECT_EQ(x.ValueIn(DType::kBF16).ToVector<float>(), Converted(x));
}

TEST_P(BF16CopyTest, OnlyParametersThatAreUsedInBF16HaveOne) {
  const Variable x = Leaf(1 << 16);
  optim::Sgd sgd({{"x", x}});
  x.set_grad(Other(x));
  const int64_t before = GetMemoryStatistics(device_).bytes_in_use;
  sgd.Step(0.1);
  EXPECT_LT(GetMemoryStatistics(device_).bytes_in_use, before + 1024);
  const Autocast scope(Precision::kBf16);
  Add(x, x);  // of two operands of f32
  EXPECT_LT(GetMemoryStatistics(device_).bytes_in_use, before + 1024);
  Linear(Tensor::Zeros({1, 1 << 8}, DType::kF32, device_), Variable(x.value().Reshape({1 << 8, 1 << 8})));
  EXPECT_LT(GetMemoryStatistics(device_).bytes_in_use, before + 1024);
  x.ValueIn(DType::kBF16);
  EXPECT_GE(GetMemoryStatistics(device_).bytes_in_use, before + (2 << 16));
}

TEST_P(BF16CopyTest, ViewsOfOneStorageAreDistinguishedByTheirShape) {
  const Variable x = Leaf(24);
  x.set_value(x.value().Reshape({4, 6}));
  const optim::Sgd sgd({{"x", x}});
  x.ValueIn(DType::kBF16);
  x.set_value(x.value().Reshape({6, 4}));
  EXPECT_EQ(x.ValueIn(DType::kBF16).shape(), (Shape{6, 4}));
  EXPECT_EQ(x.ValueIn(DType::kBF16).ToVector<float>(), Converted(x));
}

TEST_P(BF16CopyTest, OptimisersDoNotWriteTheCopyOfFewerRows) {
  const Variable all = Leaf(20), x(all.value().Rows(0, 10), true);
  optim::Adam adam({{"x", x}});
  const std::shared_ptr<BF16Copy> copy = x.KeepBF16();
  x.ValueIn(DType::kBF16);
  EXPECT_TRUE(copy->ToUpdate(x.value()).defined());
  x.set_value(all.value());
  EXPECT_FALSE(copy->ToUpdate(x.value()).defined());
  EXPECT_EQ(x.ValueIn(DType::kBF16).ToVector<float>(), Converted(x));
}

TEST_P(BF16CopyTest, EveryOtherChangeIsSeen) {
  nn::Module module;
  const Variable x(Other(Leaf()), true);
  const optim::Sgd sgd({{"x", x}});
  const std::vector<std::function<void()>> changes = {
      [&] { x.value().CopyFrom(Other(x)); },
      [&] { x.value().Rows(3, 9).CopyFrom(Other(x).Rows(0, 6)); },
      [&] {
        x.value().Reshape({37, 1}).Zero();
      },
      [&] { x.value().ConvertFrom(Other(x).To(DType::kF64)); },
      [&] { x.set_value(Other(x)); },
      [&] { x.set_value(Leaf(50).value()); },
      [&] {
        CopyTensors("it", {{"x", Other(x)}}, {{"x", x.value()}});
      },
      [&] { CopyBytes(device_, x.value().raw(), device_, Other(x).raw(), static_cast<size_t>(x.value().bytes())); },
      [&] {
        const Tensor all = Tensor::Zeros({2, x.size()}, DType::kF32, device_);
        x.set_value(all.Rows(0, 1).Reshape({-1}));
        x.ValueIn(DType::kBF16);
        all.CopyFrom(Tensor::Full(all.shape(), 3, DType::kF32, device_));
      },
      [&] {
        const Tensor all = Other(Leaf(2 * x.size()));
        x.set_value(all.Rows(0, x.size()));
        x.ValueIn(DType::kBF16);
        x.set_value(all.Rows(x.size(), 2 * x.size()));
      },
      [&] {
        CapturedWork work(device_, [&] { x.value().CopyFrom(Scale(x, 2).value()); });
        x.ValueIn(DType::kBF16);
        work.Launch();
      },
      [&] { *x.value().data<float>() = 5; }};
  for (size_t i = 0; i < changes.size(); ++i) {
    if (device_ == Device{} ? i + 2 == changes.size() : i + 1 == changes.size()) continue;
    x.ValueIn(DType::kBF16);
    changes[i]();
    EXPECT_EQ(x.ValueIn(DType::kBF16).ToVector<float>(), Converted(x)) << i;
    ExpectUpToDate(x, x.ValueIn(DType::kBF16));
  }
}

// ---- In captured work ----

TEST_P(BF16CopyTest, CapturedWorkReadsWhatIsThereWhenItIsLaunched) {
  if (!CanCapture(device_)) return;
  const Variable x = Leaf();
  optim::Sgd sgd({{"x", x}});
  x.set_grad(Other(x));
  const Tensor rates = sgd.Rates(0.5).To(device_);
  const Tensor result = Tensor::Empty(x.shape(), DType::kF32, device_), later = Tensor::EmptyLike(result);
  const auto use = [&](const Tensor& to) { to.ConvertFrom(x.ValueIn(DType::kBF16)); };
  const auto twice = [&] { x.value().CopyFrom(Scale(x, 2).value()); };
  for (const bool was_up_to_date : {true, false})
    for (const bool changes_after_update : {false, true}) {
      use(result);
      sgd.Update(rates, {}, 0);
      twice();
      if (was_up_to_date) use(result);
      CapturedWork step(device_, [&] {
        use(result);
        sgd.Update(rates, {}, 0);
        if (changes_after_update) twice();
        use(later);
      });
      CapturedWork other(device_, twice);
      const auto launch = [&] {
        const Floats before = Converted(x);
        step.Launch();
        EXPECT_EQ(result.ToVector<float>(), before);
        EXPECT_EQ(later.ToVector<float>(), Converted(x));
        EXPECT_NE(Converted(x), before);
      };
      const auto check = [&] { EXPECT_EQ(x.ValueIn(DType::kBF16).ToVector<float>(), Converted(x)); };
      launch();
      launch();
      check();
      launch();
      x.value().CopyFrom(Other(x));
      launch();
      check();
      other.Launch();
      launch();
      launch();
      other.Launch();
      check();
      const Tensor copy = x.ValueIn(DType::kBF16);
      launch();
      if (was_up_to_date && !changes_after_update) ExpectUpToDate(x, copy);
      check();
    }
}

// ---- Training steps under autocast have the bits of those that convert at each use ----

struct Training {
  Training(Device device, bool capture) : device(device), first(32, 40, generator), second(40, 3, generator) {
    for (nn::Linear* layer : {&first, &second}) {
      layer->To(device);
      for (const NamedVariable& parameter : layer->NamedParameters())
        parameters.push_back({std::to_string(parameters.size()) + parameter.name, parameter.variable});
    }
    x = generator.Normal({16, 32}, 0, 1).To(device);
    optimizer = std::make_unique<optim::Adam>(parameters);
    step = std::make_unique<TrainingStep>(
        *optimizer,
        [this](const std::vector<Tensor>& inputs, const Span& rows, Generator&) {
          const Autocast scope(Precision::kBf16);
          const Variable y = second(Tanh(first(x.Rows(rows.first, rows.first + rows.count))));
          const Variable scaled = Mul(y, inputs[1].To(this->device).To(DType::kBF16));
          return std::vector<LossPart>{{"mse", Cast(Sum(Square(scaled)), DType::kF32), 48.0}};
        },
        TrainingStepOptions{.accumulate = 2, .clip_norm = 1, .capture = capture});
  }
  Tensor Run(double factor = 1) {
    Generator none(0);
    step->Run({x, Tensor::Full({1}, factor)}, 0.01, none).Get();
    std::vector<Variable> all;
    std::vector<float> values;
    for (const auto& [name, variable] : parameters)
      for (const float value : variable.value().ToVector<float>()) values.push_back(value);
    return Tensor::From(values, {std::ssize(values)});
  }
  TensorMap Parameters() const {
    TensorMap map;
    for (const auto& [name, variable] : parameters) map.emplace(name, variable.value());
    return map;
  }
  // As if they had been changed.
  void Touch() const {
    for (const NamedVariable& parameter : parameters) parameter.variable.value().raw();
  }

  Device device;
  Generator generator{7};
  nn::Linear first, second;
  std::vector<NamedVariable> parameters;
  Tensor x;
  std::unique_ptr<optim::Optimizer> optimizer;
  std::unique_ptr<TrainingStep> step;
};

TEST_P(BF16CopyTest, TrainingHasTheBitsOfConversionsAtEachUse) {
  const auto train = [&](bool capture, bool touch) {
    Training training(device_, capture);
    std::vector<Floats> values;
    TensorMap kept, kept_state;
    const auto keep = [](const TensorMap& of, TensorMap& to) {
      to.clear();
      for (const auto& [name, tensor] : of) to.emplace(name, tensor.Clone());
    };
    for (int step = 0; step < 12; ++step) {
      if (touch) training.Touch();
      // The sixth step has gradients that are not finite, and is skipped.
      values.push_back(training.Run(step == 5 ? std::numeric_limits<double>::infinity() : 1).ToVector<float>());
      if (step > 0) {
        EXPECT_EQ(values[step] == values[step - 1], step == 5) << step;
      }
      if (step == 3) {
        keep(training.Parameters(), kept);
        keep(training.optimizer->State(), kept_state);
      }
      if (step == 7) {  // as a run that is resumed, or goes back to what was best
        CopyTensors("the parameters", kept, training.Parameters());
        training.optimizer->LoadState(kept_state);
      }
      if (step == 9) training.first.bias.value().Zero();
    }
    EXPECT_EQ(training.step->captured_size() > 0, capture && CanCapture(device_));
    return values;
  };
  const std::vector<Floats> expected = train(false, true);
  EXPECT_EQ(train(false, false), expected);
  EXPECT_EQ(train(true, false), expected);
  EXPECT_EQ(expected[8], expected[4]) << "the steps of a run that goes on where it was";
}

std::vector<Device> Devices() {
  std::vector<Device> devices = {Device{}, {DeviceType::kSimt}};
  for (const Device& gpu : CudaDevices()) devices.push_back(gpu);
  return devices;
}
INSTANTIATE_TEST_SUITE_P(Devices, BF16CopyTest, testing::ValuesIn(Devices()),
                         [](const auto& info) { return NameOf(info.param).substr(0, 4) + std::to_string(info.index); });

}  // namespace
}  // namespace orbit
