#include "engine/training/training_step.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/ops/batch_statistics.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/shape.h"
#include "engine/profiling.h"

namespace orbit {

Span PartOf(int64_t rows, int64_t parts, int64_t i) {
  const int64_t first = rows * i / parts;
  return {.first = first, .count = rows * (i + 1) / parts - first, .total = rows};
}

Span PartOf(const Span& rows, int64_t parts, int64_t i) {
  const Span part = PartOf(rows.count, parts, i);
  return {.first = rows.first + part.first, .count = part.count, .total = rows.total};
}

StepNumbers PendingNumbers::Get() const {
  std::vector<double> numbers = numbers_.Get();
  if (ranks_) ranks_->Check();
  StepNumbers result{.loss = 0, .gradient_norm = std::sqrt(numbers[0]), .parts = {}, .requests = requests_};
  numbers.erase(numbers.begin());
  const size_t losses = 1 + parts_.size(), by_rank = losses + (ranks_ ? requests_.size() : 0);
  for (size_t first = by_rank; first < numbers.size(); first += by_rank) {  // the ranks after the first one
    for (size_t i = 0; i < losses && summed_; ++i) numbers[i] += numbers[first + i];
    for (size_t i = losses; i < by_rank; ++i) numbers[i] = std::max(numbers[i], numbers[first + i]);
  }
  result.loss = numbers[0];
  for (size_t i = 0; i < parts_.size(); ++i) result.parts.emplace_back(parts_[i], numbers[1 + i]);
  if (ranks_)
    result.requests = {numbers.begin() + static_cast<int64_t>(losses), numbers.begin() + static_cast<int64_t>(by_rank)};
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
  if (!options.ranks || options.ranks->world() == 1) return;
  Check(!options.capture, "a step over ", options.ranks->world(), " ranks cannot be captured");
  reducer_ = std::make_unique<GradientReducer>(optimizer.parameters(), *options.ranks, options.reduction);
}

PendingNumbers TrainingStep::Run(std::vector<Tensor> inputs, double learning_rate, Generator& generator) {
  inputs.push_back(optimizer_.Rates(learning_rate));
  std::vector<Tensor> numbers = graph_.Run(inputs, generator);  // the squared norm, the loss and its parts
  PendingNumbers pending;
  pending.parts_ = parts_;
  if (options_.requests) pending.requests_ = options_.requests();
  if (reducer_) {
    pending.ranks_ = options_.ranks;
    pending.summed_ = options_.divide_rows;
    numbers = {numbers[0], GatherNumbers({numbers.begin() + 1, numbers.end()}, pending.requests_)};
  }
  pending.numbers_ = Readback(numbers);
  return pending;
}

Span TrainingStep::RowsOf(int64_t rows, int64_t i) const {
  const Span micro_batch = PartOf(rows, options_.accumulate, i);
  if (!reducer_ || !options_.divide_rows) return micro_batch;
  return PartOf(micro_batch, options_.ranks->world(), options_.ranks->rank());
}

Tensor TrainingStep::GatherNumbers(const std::vector<Tensor>& numbers, const std::vector<double>& requests) {
  const NoGrad no_grad;
  const ProfileRange range("communication");
  const Device device = optimizer_.parameters()[0].variable.device();
  std::vector<Variable> columns;
  for (const Tensor& number : numbers) columns.emplace_back(number.To(DType::kF64).Reshape({1}));
  if (!requests.empty()) columns.emplace_back(Tensor::From(requests, {std::ssize(requests)}).To(device));
  const Tensor mine = Concat(columns, 0).value();
  const Tensor all = Tensor::Empty({options_.ranks->world(), mine.size()}, DType::kF64, device);
  options_.ranks->AllGather(all, mine).Wait();
  return all;
}

std::vector<Tensor> TrainingStep::Update(const std::vector<Tensor>& inputs, Generator& generator) {
  StatisticsCollector statistics;
  std::vector<Tensor> numbers = AddGradients({inputs.begin(), inputs.end() - 1}, generator, false);
  const ProfileRange range("optimizer");
  statistics.Move();
  const Tensor squared_norm = optim::SquaredGradientNorm(optimizer_.parameters());
  optimizer_.Update(inputs.back(), squared_norm, options_.clip_norm);
  numbers.insert(numbers.begin(), squared_norm);
  return numbers;
}

std::vector<Tensor> TrainingStep::Gradients(const std::vector<Tensor>& inputs, Generator& generator, bool local) {
  const StatisticsCollector not_moved;
  return AddGradients(inputs, generator, local);
}

std::vector<Tensor> TrainingStep::AddGradients(const std::vector<Tensor>& inputs, Generator& generator, bool local) {
  const int64_t sharers = reducer_ && options_.divide_rows ? options_.ranks->world() : 1;
  Check(!inputs.empty() && inputs[0].rank() >= 1 && inputs[0].dim(0) >= options_.accumulate * sharers, "a batch of ",
        inputs.empty() ? "nothing" : inputs[0].Describe(), " in ", options_.accumulate, " micro-batches for ", sharers,
        " ranks");
  const RowsDividedAmong divided(local ? nullptr : options_.ranks);
  optimizer_.ZeroGrad();
  std::vector<Tensor> numbers;
  const Generator before = generator;
  const Span of_caller = before.rows();
  Check(of_caller.total == 0 || of_caller.count == inputs[0].dim(0), "a generator for ", of_caller.count,
        " rows of a batch, and ", inputs[0].dim(0), " rows");
  for (int64_t i = 0; i < options_.accumulate; ++i) {
    const Span rows = RowsOf(inputs[0].dim(0), i);
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
      if (reducer_ && !local && i + 1 == options_.accumulate) reducer_->Begin();
      loss.Backward();
    }
    AddNumbers(parts, loss, numbers);
    const uint64_t draws = of_rows.stream() - before.stream();
    if (i == 0) generator.Skip(draws);
    Check(of_rows.stream() == generator.stream(), "a micro-batch drew random numbers ", draws, " times, the first one ",
          generator.stream() - before.stream(), " times");
  }
  if (reducer_ && !local) {
    const ProfileRange range("communication");
    reducer_->Finish();
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
