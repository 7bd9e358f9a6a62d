// A batch in one piece, in micro-batches, and as captured work: the same step.
#include "engine/training/training_step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

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

namespace orbit {
namespace {

constexpr int64_t kBatch = 11, kSamples = 3, kIn = 4, kOut = 2;

// What sampled models are made of: noise for every sample, dropout, a mean over samples.
struct Model : nn::Module {
  explicit Model(Generator& generator) : first(kIn, 8, generator), second(8, kOut, generator) {
    AddModule("first", first);
    AddModule("second", second);
  }
  Variable operator()(const Variable& x, Generator& generator) const {
    const int64_t rows = x.dim(0);
    const Tensor noise = generator.Normal({rows, kSamples, kIn}, 0, 0.3, x.dtype(), x.device());
    const Variable samples = Reshape(Add(Reshape(x, {rows, 1, kIn}), noise), {rows * kSamples, kIn});
    const Variable y = second(Dropout(Tanh(first(samples)), 0.4, generator));
    return Mean(Reshape(y, {rows, kSamples, kOut}), {1});
  }
  nn::Linear first, second;
};

class Training {
 public:
  explicit Training(TrainingStepOptions options, DType dtype = DType::kF64, Device device = {})
      : device_(device),
        generator_(3),
        model_(generator_),
        x_(generator_.Normal({kBatch, kIn}, 0, 1)),
        target_(generator_.Uniform({kBatch, kOut}, -1, 1)) {
    for (const bool is_rare : {0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0}) labels_.push_back(is_rare);
    for (const bool is_labelled : {1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 1}) labelled_.push_back(is_labelled);
    model_.To(dtype);
    model_.To(device);
    x_ = x_.To(dtype).To(device);
    target_ = target_.To(dtype).To(device);
    optimizer_ = std::make_unique<optim::Sgd>(model_.NamedParameters());
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
    std::vector<double> gradients;
    for (const NamedVariable& parameter : model_.NamedParameters())
      for (const double element : parameter.variable.grad().ToVector<double>()) gradients.push_back(element);
    EXPECT_EQ(generator.stream(), 2u);
    return gradients;
  }

  std::vector<double> Parameters() const {
    std::vector<double> values;
    for (const NamedVariable& parameter : model_.NamedParameters())
      for (const double element : parameter.variable.value().ToVector<double>()) values.push_back(element);
    return values;
  }

  TrainingStep& step() { return *step_; }
  const Tensor& examples() const { return examples_; }

  std::vector<Tensor> numbers;

 private:
  // A mean over all elements, one over what is labelled, and one weighted by the rarity of classes in the batch. Sums
  // over the rows; numbers of the whole batch below.
  std::vector<LossPart> Loss(const Tensor& examples, const Span& rows, Generator& generator) {
    const Tensor index = examples.Rows(rows.first, rows.first + rows.count).To(device_);
    const Variable y = model_(IndexSelect(x_, index), generator), target = IndexSelect(target_, index);
    double rare = 0, labelled = 0;
    for (size_t i = 0; i < kBatch; ++i) rare += labels_[i], labelled += labelled_[i];
    const double weights[] = {rare / kBatch, 1 - rare / kBatch};
    std::vector<double> mask, classes, class_weights;
    for (int64_t i = rows.first; i < rows.first + rows.count; ++i) {
      mask.push_back(labelled_[i]);
      classes.push_back(labels_[i]);
      class_weights.push_back(weights[labels_[i]]);
    }
    const auto column = [&](const std::vector<double>& values) {
      return Tensor::From(values, {rows.count, 1}).To(y.dtype()).To(device_);
    };
    const Variable logits = Slice(y, 1, 0, 1);
    return {{"mse", MseLoss(y, target, Reduction::kSum), kBatch * kOut},
            {"labelled", Sum(Mul(Abs(Slice(y, 1, 1, 2)), column(mask))), labelled, 0.3},
            {"classes", BceWithLogitsLoss(logits, column(classes), Reduction::kSum, column(class_weights)),
             rare * weights[1] + (kBatch - rare) * weights[0], 0.7},
            {"logged", Sum(Square(y)), 1, 0}};
  }

  const Device device_;
  Generator generator_;
  Model model_;
  Tensor x_, target_;
  std::vector<int> labels_, labelled_;
  Tensor examples_ = Tensor::From<int64_t>({3, 0, 7, 10, 1, 2, 9, 8, 4, 6, 5}, {kBatch});
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
  const std::vector<double> before = training.Parameters(), gradients = training.Gradients(5);
  EXPECT_EQ(training.Parameters(), before);
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
  plain(x);  // outside of a step a forward moves them at once
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
