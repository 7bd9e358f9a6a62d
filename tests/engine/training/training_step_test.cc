// A step on a whole batch, in micro-batches, and as captured work gives the same result.
#include "engine/training/training_step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/device.h"
#include "engine/nn/batch_norm.h"
#include "engine/nn/checkpoint.h"
#include "engine/nn/linear.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/indexing.h"
#include "engine/ops/loss.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "engine/optim/sgd.h"
#include "tests/engine/training/thread_ranks.h"

namespace orbit {
namespace {

constexpr int64_t kBatch = 11, kSamples = 3, kIn = 4, kOut = 2;

// A model with the ingredients of sampled models: noise per sample, dropout, and a mean over samples.
struct Model : nn::Module {
  Model(bool normalised, Generator& generator)
      : normalised(normalised), first(kIn, 8, generator), norm(8), second(8, kOut, generator) {
    AddModule("first", first);
    AddModule("norm", norm);
    AddModule("second", second);
  }
  Variable operator()(const Variable& x, Generator& generator) const {
    const int64_t rows = x.dim(0);
    const Tensor noise = generator.Normal({rows, kSamples, kIn}, 0, 0.3, x.dtype(), x.device());
    const Variable samples = Reshape(Add(Reshape(x, {rows, 1, kIn}), noise), {rows * kSamples, kIn});
    const Variable hidden = normalised ? norm(first(samples)) : first(samples);
    const Variable y = second(Dropout(Tanh(hidden), 0.4, generator));
    return Mean(Reshape(y, {rows, kSamples, kOut}), {1});
  }
  const bool normalised;
  nn::Linear first;
  nn::BatchNorm norm;
  nn::Linear second;
};

class Training {
 public:
  explicit Training(TrainingStepOptions options, DType dtype = DType::kF64, Device device = {}, bool normalised = false)
      : model_(normalised, generator_) {
    const auto convert = [&](const Tensor& x) { return x.To(dtype).To(device); };
    const auto column = [&](const std::vector<double>& values) { return convert(Tensor::From(values, {kBatch, 1})); };
    x_ = convert(generator_.Normal({kBatch, kIn}, 0, 1));
    target_ = convert(generator_.Uniform({kBatch, kOut}, -1, 1));
    labelled_ = column({1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 1});
    const std::vector<double> rare = {0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0};
    classes_ = column(rare);
    std::vector<double> weights;
    for (const double is_rare : rare) weights.push_back(is_rare > 0 ? 9.0 / kBatch : 2.0 / kBatch);
    class_weights_ = column(weights);
    model_.To(dtype);
    model_.To(device);
    examples_ = Tensor::From<int64_t>({3, 0, 7, 10, 1, 2, 9, 8, 4, 6, 5}, {kBatch}, device);
    optimizer_ = std::make_unique<optim::Sgd>(model_.NamedParameters(), optim::SgdOptions{.momentum = 0.9});
    step_ = std::make_unique<TrainingStep>(
        *optimizer_,
        [this](const std::vector<Tensor>& inputs, const Span& rows, Generator& generator) {
          return Loss(inputs[0], rows, generator);
        },
        options);
  }

  std::vector<double> Gradients(uint64_t seed) {
    Generator generator(seed);
    numbers = step_->Gradients({examples_}, generator);
    EXPECT_EQ(generator.stream(), 2u);
    std::vector<double> gradients;
    for (const NamedVariable& parameter : model_.NamedParameters())
      if (parameter.variable.grad().defined()) Append(parameter.variable.grad(), gradients);
    return gradients;
  }

  // The parameters and running statistics.
  std::vector<double> State() const {
    std::vector<double> values;
    for (const auto& [name, tensor] : model_.StateDict()) Append(tensor, values);
    return values;
  }
  std::vector<double> Parameters() const {
    std::vector<double> values;
    for (const NamedVariable& parameter : model_.NamedParameters())
      if (parameter.variable.grad().defined()) Append(parameter.variable.value(), values);
    return values;
  }

  TrainingStep& step() { return *step_; }
  const Tensor& examples() const { return examples_; }

  std::vector<Tensor> numbers;

 private:
  static void Append(const Tensor& tensor, std::vector<double>& values) {
    for (const double value : tensor.ToVector<double>()) values.push_back(value);
  }

  // A mean over all elements, a mean over the six labelled rows, and a mean weighted by how rare the two classes (2 and
  // 9 rows) are in the batch: sums over rows with the batch's denominators.
  std::vector<LossPart> Loss(const Tensor& examples, const Span& rows, Generator& generator) {
    const auto of_rows = [&](const Tensor& x) { return x.Rows(rows.first, rows.first + rows.count); };
    const Tensor index = of_rows(examples);
    const Variable y = model_(IndexSelect(x_, index), generator);
    return {
        {"mse", MseLoss(y, IndexSelect(target_, index), Reduction::kSum), kBatch * kOut},
        {"labelled", Sum(Mul(Abs(Slice(y, 1, 1, 2)), of_rows(labelled_))), 6, 0.3},
        {"classes", BceWithLogitsLoss(Slice(y, 1, 0, 1), of_rows(classes_), Reduction::kSum, of_rows(class_weights_)),
         2 * 9.0 / kBatch + 9 * 2.0 / kBatch, 0.7},
        {"logged", Sum(Square(y)), 1, 0}};
  }

  Generator generator_{3};
  Model model_;
  Tensor x_, target_, labelled_, classes_, class_weights_, examples_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::unique_ptr<TrainingStep> step_;
};

void ExpectNear(const std::vector<double>& actual, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    EXPECT_NEAR(actual[i], expected[i], tolerance * (1 + std::abs(expected[i]))) << "element " << i;
}

TEST(TrainingStep, MicroBatchesGiveTheGradientsOfTheBatch) {
  Training whole({});
  const std::vector<double> expected = whole.Gradients(5);
  for (const int64_t parts : {2, 3, 4, 11}) {
    SCOPED_TRACE(parts);
    Training training({.accumulate = parts});
    ExpectNear(training.Gradients(5), expected, 1e-12);
    ASSERT_EQ(training.numbers.size(), 5u);
    for (size_t i = 0; i < training.numbers.size(); ++i)
      EXPECT_NEAR(training.numbers[i].Item(), whole.numbers[i].Item(), 1e-12);
  }
  const std::vector<Tensor>& n = whole.numbers;
  EXPECT_NEAR(n[0].Item(), n[1].Item() + 0.3 * n[2].Item() + 0.7 * n[3].Item(), 1e-12);
}

TEST(TrainingStep, UpdatesByTheClippedGradient) {
  Training training({.accumulate = 2, .clip_norm = 0.05});
  const std::vector<double> state = training.State(), gradients = training.Gradients(5);
  EXPECT_EQ(training.State(), state);
  const std::vector<double> before = training.Parameters();
  double squares = 0;
  for (const double element : gradients) squares += element * element;
  const double norm = std::sqrt(squares);
  ASSERT_GT(norm, 0.05);
  Generator generator(5);
  const StepNumbers numbers = training.step().Run({training.examples()}, 0.1, generator).Get();
  EXPECT_NEAR(numbers.gradient_norm, norm, 1e-12);
  EXPECT_NEAR(numbers.loss, training.numbers[0].Item(), 1e-12);
  ASSERT_EQ(numbers.parts.size(), 4u);
  EXPECT_EQ(numbers.parts[2].first, "classes");
  EXPECT_NEAR(numbers.parts[2].second, training.numbers[3].Item(), 1e-12);
  std::vector<double> expected = before;
  for (size_t i = 0; i < expected.size(); ++i) expected[i] -= 0.1 * 0.05 / (norm + 1e-6) * gradients[i];
  ExpectNear(training.Parameters(), expected, 1e-12);
}

// Every micro-batch is normalised by its own statistics; the running ones move once, towards those of the batch.
TEST(TrainingStep, RunningStatisticsMoveOnceAStep) {
  struct Layer : nn::Module {
    Layer() : norm(kIn) { AddModule("norm", norm); }
    Variable operator()(const Variable& x) const { return Square(norm(x)); }
    nn::BatchNorm norm;
  };
  Generator generator(3);
  const Tensor x = generator.Normal({kBatch, kIn}, 2, 3, DType::kF64);
  struct Outcome {
    std::vector<double> running, gradient;
  };
  const auto train = [&](int64_t accumulate, bool checkpoint) {
    Layer layer;
    layer.To(DType::kF64);
    optim::Sgd optimizer(layer.NamedParameters());
    TrainingStep step(optimizer,
                      [&](const std::vector<Tensor>& inputs, const Span& rows, Generator& of_rows) {
                        const Variable part = inputs[0].Rows(rows.first, rows.first + rows.count);
                        const Variable y = checkpoint ? nn::Checkpoint(layer, part, of_rows) : layer(part);
                        return std::vector<LossPart>{{"sum", Sum(Mul(y, Square(part))), kBatch}};
                      },
                      {.accumulate = accumulate});
    const auto running = [&] {
      std::vector<double> values = layer.norm.running_mean.value().ToVector<double>();
      for (const double value : layer.norm.running_var.value().ToVector<double>()) values.push_back(value);
      return values;
    };
    const std::vector<double> before = running();
    step.Gradients({x}, generator);
    EXPECT_EQ(running(), before);
    step.Run({x}, 0, generator);
    return Outcome{running(), layer.norm.weight.grad().ToVector<double>()};
  };
  const Outcome whole = train(1, false), parts = train(4, false), checkpointed = train(4, true);
  Layer plain;
  plain.To(DType::kF64);
  plain(x);  // outside a step, a forward moves them at once
  std::vector<double> expected = plain.norm.running_mean.value().ToVector<double>();
  for (const double value : plain.norm.running_var.value().ToVector<double>()) expected.push_back(value);
  EXPECT_EQ(whole.running, expected);
  ExpectNear(parts.running, whole.running, 1e-12);
  EXPECT_EQ(checkpointed.running, parts.running);
  EXPECT_EQ(checkpointed.gradient, parts.gradient);

  std::vector<double> of_parts(kIn, 0);
  for (const auto& [first, last] : {std::pair(0, 2), {2, 5}, {5, 8}, {8, 11}}) {
    Layer layer;
    layer.To(DType::kF64);
    const Tensor part = x.Rows(first, last);
    Sum(Mul(layer(part), Square(part))).Backward();
    for (int64_t c = 0; c < kIn; ++c) of_parts[c] += layer.norm.weight.grad().ToVector<double>()[c] / kBatch;
  }
  ExpectNear(parts.gradient, of_parts, 1e-12);
}

// What a rank has after three steps in three micro-batches of uneven parts.
struct AfterSteps {
  std::vector<double> losses, norms, parts, gradients, state, requests;
};

AfterSteps RunSteps(TrainingStepOptions options, bool normalised) {
  Training training(options, DType::kF64, {}, normalised);
  AfterSteps after;
  Generator generator(5);
  for (int step = 0; step < 3; ++step) {
    const StepNumbers numbers = training.step().Run({training.examples()}, 0.1, generator).Get();
    after.losses.push_back(numbers.loss);
    after.norms.push_back(numbers.gradient_norm);
    for (const auto& [name, value] : numbers.parts) after.parts.push_back(value);
    after.requests = numbers.requests;
  }
  after.state = training.State();
  after.gradients = training.Gradients(5);
  return after;
}

TEST(TrainingStep, RanksTogetherDoTheStepOfOneProcess) {
  for (const bool normalised : {false, true}) {
    for (const int64_t accumulate : {1, 3}) {
      const TrainingStepOptions options{.accumulate = accumulate, .clip_norm = 0.05};
      const AfterSteps expected = RunSteps(options, normalised);
      for (const int world : {1, 2, 3}) {
        // One bucket, and one for every parameter.
        for (const int64_t bucket_bytes : {1 << 20, 1}) {
          SCOPED_TRACE(testing::Message() << world << " ranks, " << accumulate << " micro-batches, normalised "
                                          << normalised << ", buckets of " << bucket_bytes);
          std::vector<AfterSteps> of_ranks(world);
          RunRanks(world, [&](Communicator& ranks) {
            TrainingStepOptions divided = options;
            divided.ranks = &ranks;
            divided.reduction.bucket_bytes = bucket_bytes;
            divided.requests = [&] { return std::vector<double>{double(ranks.rank()), double(-ranks.rank())}; };
            of_ranks[ranks.rank()] = RunSteps(divided, normalised);
          });
          for (const AfterSteps& after : of_ranks) {
            ExpectNear(after.losses, expected.losses, 1e-12);
            ExpectNear(after.norms, expected.norms, 1e-12);
            ExpectNear(after.parts, expected.parts, 1e-12);
            ExpectNear(after.gradients, expected.gradients, 1e-12);
            ExpectNear(after.state, expected.state, 1e-12);
            EXPECT_EQ(after.state, of_ranks[0].state) << "ranks have different parameters";
            EXPECT_EQ(after.losses, of_ranks[0].losses);
            EXPECT_EQ(after.requests, (std::vector<double>{world - 1.0, 0}));
          }
        }
      }
    }
  }
}

// Every rank computes the mean of its samples of all rows; what it returns is the loss of the mean of all samples.
TEST(TrainingStep, RanksMayDivideWhatIsWithinRows) {
  constexpr int kTerms = 7;
  const Tensor terms = Generator(2).Normal({kTerms, kBatch}, 0, 1, DType::kF64);
  const auto run = [&](Communicator* ranks, int first, int last) {
    const Variable weight(Tensor::Full({1}, 0.5, DType::kF64), true);
    optim::Sgd optimizer({{"weight", weight}});
    TrainingStep step(
        optimizer,
        [&](const std::vector<Tensor>&, const Span& rows, Generator&) {
          EXPECT_EQ(rows.count, kBatch);
          const Variable mine = Scale(Sum(Mul(weight, Variable(terms.Rows(first, last))), {0}), 1.0 / kTerms);
          Tensor mean = mine.value().Clone();
          if (ranks) ranks->AllReduce(mean).Wait();
          const Variable mean_of_all = MakeVariable(
              "SumOverRanks", mean, {mine}, [](const Gradients& gradients) { gradients.Add(0, gradients.output()); });
          return std::vector<LossPart>{{"square", Sum(Square(mean_of_all)), kBatch}};
        },
        {.ranks = ranks, .divide_rows = false});
    Generator generator(1);
    const StepNumbers numbers = step.Run({Tensor::Zeros({kBatch})}, 0.1, generator).Get();
    return std::vector<double>{numbers.loss, numbers.gradient_norm, weight.value().ToVector<double>()[0]};
  };
  const std::vector<double> expected = run(nullptr, 0, kTerms);
  RunRanks(3, [&](Communicator& ranks) {
    const Span mine = PartOf(kTerms, 3, ranks.rank());
    ExpectNear(run(&ranks, mine.first, mine.first + mine.count), expected, 1e-12);
  });
}

TEST(TrainingStep, RanksReduceInBf16WhereAsked) {
  const AfterSteps expected = RunSteps({}, true);
  RunRanks(2, [&](Communicator& ranks) {
    const AfterSteps after = RunSteps({.ranks = &ranks, .reduction = {.bf16 = true}}, true);
    ExpectNear(after.gradients, expected.gradients, 0.02);
    EXPECT_NE(after.gradients, expected.gradients);
    for (const double gradient : after.gradients) EXPECT_EQ(gradient, Tensor::Full({1}, gradient, DType::kBF16).Item());
  });
}

// A parameter that one rank does not use has the gradient of the others; what no rank uses has none.
TEST(TrainingStep, RanksMayLackGradients) {
  RunRanks(2, [&](Communicator& ranks) {
    const Variable a(Tensor::Full({2}, 1.0, DType::kF64), true), b(Tensor::Full({3}, 1.0, DType::kF64), true),
        c(Tensor::Full({1}, 1.0, DType::kF64), true);
    optim::Sgd optimizer({{"a", a}, {"b", b}, {"c", c}});
    bool all = false;
    TrainingStep step(optimizer,
                      [&](const std::vector<Tensor>&, const Span&, Generator&) {
                        Variable sum = Sum(Scale(a, ranks.rank() + 1.0));
                        if (ranks.rank() == 1) sum = Add(sum, Sum(Scale(b, 5)));
                        if (all) sum = Add(sum, Sum(c));
                        return std::vector<LossPart>{{"sum", sum, 1}};
                      },
                      {.ranks = &ranks});
    Generator generator(1);
    for (int i = 0; i < 2; ++i) step.Run({Tensor::Zeros({2})}, 1, generator).Get();
    EXPECT_EQ(a.value().ToVector<double>(), (std::vector<double>{-5, -5}));
    EXPECT_EQ(b.value().ToVector<double>(), (std::vector<double>{-9, -9, -9}));
    EXPECT_FALSE(c.grad().defined());
    all = true;
    EXPECT_THAT([&] { step.Run({Tensor::Zeros({2})}, 1, generator); },
                testing::ThrowsMessage<Error>(testing::HasSubstr("the parameter c has a gradient")));
    EXPECT_THAT([&] { step.Run({Tensor::Zeros({1})}, 1, generator); },
                testing::ThrowsMessage<Error>(testing::HasSubstr("micro-batches for 2 ranks")));
  });
}

// A parameter whose gradient comes from the first micro-batch alone is summed over the ranks, too.
TEST(TrainingStep, RanksMayHaveGradientsOfEarlierMicroBatches) {
  RunRanks(2, [&](Communicator& ranks) {
    const Variable a(Tensor::Full({2}, 1.0, DType::kF64), true), b(Tensor::Full({3}, 1.0, DType::kF64), true);
    optim::Sgd optimizer({{"a", a}, {"b", b}});
    TrainingStep step(optimizer,
                      [&](const std::vector<Tensor>&, const Span& rows, Generator&) {
                        Variable sum = Sum(a);
                        if (rows.first < 2) sum = Add(sum, Sum(Scale(b, ranks.rank() + 1.0)));
                        return std::vector<LossPart>{{"sum", sum, 1}};
                      },
                      {.accumulate = 2, .ranks = &ranks});
    Generator generator(1);
    for (int i = 0; i < 2; ++i) step.Run({Tensor::Zeros({4})}, 1, generator).Get();
    EXPECT_EQ(a.value().ToVector<double>(), (std::vector<double>{-7, -7}));
    EXPECT_EQ(b.value().ToVector<double>(), (std::vector<double>{-5, -5, -5}));
  });
}

TEST(TrainingStep, HasTheSameBitsWhenItIsCaptured) {
  std::vector<Device> devices = {{DeviceType::kSimt}};
  for (const Device& gpu : CudaDevices()) devices.push_back(gpu);
  for (const Device& device : devices) {
    const auto train = [&](bool capture) {
      Training training({.accumulate = 3, .clip_norm = 0.05, .capture = capture}, DType::kF32, device, true);
      std::vector<double> losses;
      Generator generator(5);
      for (int step = 0; step < 5; ++step)
        losses.push_back(training.step().Run({training.examples()}, 0.1, generator).Get().loss);
      EXPECT_EQ(training.step().captured_size() > 0, capture);
      return std::tuple(losses, training.State(), generator.stream());
    };
    const auto eager = train(false);
    EXPECT_EQ(train(true), eager);
    EXPECT_NE(std::get<0>(eager)[4], std::get<0>(eager)[3]);
  }
}

TEST(TrainingStep, WhatMakesNoSenseIsRefused) {
  EXPECT_THROW(Training({.accumulate = 0}), Error);
  EXPECT_THROW(Training({.clip_norm = -1}), Error);
  EXPECT_THROW(Training({.accumulate = kBatch + 1}).Gradients(5), Error);
  Generator generator(0);
  const Variable x(Tensor::Full({4}, 1.0), true);
  optim::Sgd optimizer({{"x", x}});
  TrainingStep nothing(optimizer, [&](auto&&...) { return std::vector<LossPart>{{"none", Sum(x), 0}}; });
  EXPECT_THROW(nothing.Run({Tensor::Zeros({4})}, 1, generator), Error);
  TrainingStep uneven(optimizer,
                      [&](auto&&, const Span& rows, Generator& of_rows) {
                        if (rows.first > 0) of_rows.Uniform({rows.count}, 0, 1);
                        return std::vector<LossPart>{{"sum", Sum(x), 4}};
                      },
                      {.accumulate = 2});
  EXPECT_THROW(uneven.Run({Tensor::Zeros({4})}, 1, generator), Error);
}

}  // namespace
}  // namespace orbit
