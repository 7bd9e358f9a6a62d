#include "engine/training/training_step.h"

#include <cmath>
#include <utility>

#include "engine/ops/batch_statistics.h"
#include "engine/ops/elementwise.h"
#include "engine/profiling.h"

namespace orbit {

Span PartOf(int64_t rows, int64_t parts, int64_t i) {
  const int64_t first = rows * i / parts;
  return {.first = first, .count = rows * (i + 1) / parts - first, .total = rows};
}

StepNumbers PendingNumbers::Get() const {
  const std::vector<double> numbers = numbers_.Get();
  StepNumbers result{.loss = numbers[0], .gradient_norm = std::sqrt(numbers[1]), .parts = {}};
  for (size_t i = 0; i < parts_.size(); ++i) result.parts.emplace_back(parts_[i], numbers[2 + i]);
  return result;
}

TrainingStep::TrainingStep(optim::Optimizer& optimizer, Forward forward, TrainingStepOptions options)
    : optimizer_(optimizer),
      forward_(std::move(forward)),
      options_(options),
      graph_(optimizer.parameters()[0].variable.device(), options.capture,
             [this](const std::vector<Tensor>& inputs, Generator& generator) { return Update(inputs, generator); }) {
  Check(options.accumulate >= 1 && options.clip_norm >= 0, "a training step of ", options.accumulate,
        " micro-batches, its gradient clipped at ", options.clip_norm);
}

PendingNumbers TrainingStep::Run(std::vector<Tensor> inputs, double learning_rate, Generator& generator) {
  inputs.push_back(optimizer_.Rates(learning_rate));
  const std::vector<Tensor> numbers = graph_.Run(inputs, generator);
  return {parts_, numbers};
}

std::vector<Tensor> TrainingStep::Update(const std::vector<Tensor>& inputs, Generator& generator) {
  StatisticsCollector statistics;
  std::vector<Tensor> numbers = AddGradients({inputs.begin(), inputs.end() - 1}, generator);
  // Gradients, numbers and statistics are sums over the local rows. For a batch that is divided among processes, those
  // of the other processes are to be added here.
  const ProfileRange range("optimizer");
  statistics.Move();
  const Tensor squared_norm = optim::SquaredGradientNorm(optimizer_.parameters());
  optimizer_.Update(inputs.back(), squared_norm, options_.clip_norm);
  numbers.insert(numbers.begin() + 1, squared_norm);
  return numbers;
}

std::vector<Tensor> TrainingStep::Gradients(const std::vector<Tensor>& inputs, Generator& generator) {
  const StatisticsCollector not_moved;
  return AddGradients(inputs, generator);
}

std::vector<Tensor> TrainingStep::AddGradients(const std::vector<Tensor>& inputs, Generator& generator) {
  Check(!inputs.empty() && inputs[0].rank() >= 1 && inputs[0].dim(0) >= options_.accumulate, "a batch of ",
        inputs.empty() ? "nothing" : inputs[0].Describe(), " in ", options_.accumulate, " micro-batches");
  optimizer_.ZeroGrad();
  std::vector<Tensor> numbers;
  const Generator before = generator;
  const Span of_caller = before.rows();
  Check(of_caller.total == 0 || of_caller.count == inputs[0].dim(0), "a generator for ", of_caller.count,
        " rows of a batch, and ", inputs[0].dim(0), " rows");
  for (int64_t i = 0; i < options_.accumulate; ++i) {
    const Span rows = PartOf(inputs[0].dim(0), options_.accumulate, i);
    Generator of_rows = before.WithRows(
        of_caller.total == 0
            ? rows
            : Span{.first = of_caller.first + rows.first, .count = rows.count, .total = of_caller.total});
    std::vector<LossPart> parts;
    Variable loss;
    {
      const ProfileRange range("forward");
      parts = forward_(inputs, rows, of_rows);
      loss = Total(parts);
    }
    {
      const ProfileRange range("backward");
      loss.Backward();
    }
    AddNumbers(parts, loss, numbers);
    const uint64_t draws = of_rows.stream() - before.stream();
    if (i == 0) generator.Skip(draws);
    Check(of_rows.stream() == generator.stream(), "a micro-batch drew random numbers ", draws, " times, the first one ",
          generator.stream() - before.stream(), " times");
  }
  return numbers;
}

void TrainingStep::AddNumbers(const std::vector<LossPart>& parts, const Variable& loss, std::vector<Tensor>& numbers) {
  const NoGrad no_grad;
  std::vector<std::string> names;
  std::vector<Tensor> terms = {loss.value()};
  for (const LossPart& part : parts) {
    names.push_back(part.name);
    terms.push_back(Scale(part.sum, 1 / part.denominator).value());
  }
  if (numbers.empty()) {
    parts_ = names;
    numbers = terms;
    return;
  }
  Check(names == parts_, "the losses of micro-batches have different parts");
  for (size_t i = 0; i < terms.size(); ++i) numbers[i] = Add(numbers[i], terms[i]).value();
}

}  // namespace orbit
