#include "tools/experiments/memory_account.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "engine/training/training_step.h"
#include "tools/experiments/trainer.h"

namespace orbit {
namespace {

constexpr int64_t kExamples = 2;  // in each of the micro-batches of the larger of two steps; the other has half
constexpr double kMega = 1e6;

int64_t InUse(Device device) { return GetMemoryStatistics(device).bytes_in_use; }

std::string Line(const char* what, int64_t bytes, const std::string& note = "") {
  char text[160];
  std::snprintf(text, sizeof(text), "%-38s%12.1f MB", what, static_cast<double>(bytes) / kMega);
  return text + (note.empty() ? "" : "  " + note) + "\n";
}

// Has the account be of `parts` micro-batches of a batch.
void Divide(int64_t batch, int64_t parts, MemoryAccount& account) {
  account.examples = (batch + parts - 1) / parts;
  account.parts = parts;
}

MemoryAccount AccountOf(const Config& config, Device device) {
  Config copy = config;
  const std::unique_ptr<Experiment> experiment = MakeExperiment(copy, device);
  return MeasureMemory(copy, *experiment);
}

}  // namespace

int64_t MeasurePeak(const Config& config, Experiment& experiment, int64_t examples, int64_t parts) {
  const Device device = experiment.device();
  experiment.model().Train();
  const std::vector<NamedVariable> parameters = experiment.model().NamedParameters();
  for (const NamedVariable& parameter : parameters) parameter.variable.ZeroGrad();
  const int64_t before = InUse(device);
  const std::unique_ptr<optim::Optimizer> optimizer = MakeOptimizer(
      config, parameters, [&](const NamedVariable& parameter) { return experiment.RateFactor(parameter.name); });
  const auto forward = [&](const std::vector<Tensor>& inputs, const Span& rows, Generator& generator) {
    const WholeBatch whole{.examples = rows.total, .counts = experiment.Counts(Split::kTrain, inputs[0])};
    const Batch batch = experiment.Load(Split::kTrain, inputs[0].Rows(rows.first, rows.first + rows.count));
    return experiment.TrainingLoss(batch.To(device), whole, config.Int("train.samples"), generator);
  };
  TrainingStep step(*optimizer, forward, {.accumulate = parts, .clip_norm = config.Double("train.clip_norm")});
  Generator generator = MakeGenerator(config.Int("seed"), RandomUse::kTraining);
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < examples * parts; ++i) numbers.push_back(i % experiment.size(Split::kTrain));
  const Tensor batch = Tensor::From(numbers, {examples * parts});
  for (const bool is_warm : {false, true}) {
    if (is_warm) ResetPeakMemory(device);
    step.Run({batch}, 0, generator).Get();
  }
  return GetMemoryStatistics(device).peak_bytes_in_use - before;
}

MemoryAccount MeasureMemory(const Config& config, Experiment& experiment) {
  MemoryAccount account;
  Divide(config.Int("train.batch"), config.Int("train.accumulate"), account);
  for (const auto& [name, tensor] : experiment.model().StateDict()) account.parameters += tensor.bytes();
  const std::vector<NamedVariable> parameters = experiment.model().NamedParameters();
  for (const NamedVariable& parameter : parameters) account.gradients += parameter.variable.value().bytes();
  for (const auto& [name, tensor] : MakeOptimizer(config, parameters, {})->State()) account.optimizer += tensor.bytes();

  // The second of two micro-batches has all gradients beside it from its beginning, so that its peak, unlike that of a
  // single one, grows by the same for every example.
  const auto activations = [&](int64_t examples) {
    return MeasurePeak(config, experiment, examples, 2) - account.gradients - account.optimizer;
  };
  const int64_t of_few = activations(kExamples / 2), of_more = activations(kExamples);
  account.of_an_example = static_cast<double>(of_more - of_few) / (kExamples - kExamples / 2);
  account.of_a_step = of_more - static_cast<int64_t>(account.of_an_example * kExamples);
  return account;
}

std::string DescribeMemory(const Config& config, Device device) {
  const MemoryAccount account = AccountOf(config, device);
  char title[200];
  std::snprintf(title, sizeof(title),
                "memory of a step: %lld examples in micro-batches of %lld, %lld samples, %s, on %s\n",
                static_cast<long long>(config.Int("train.batch")), static_cast<long long>(account.examples),
                static_cast<long long>(config.Int("train.samples")), config.String("train.precision").c_str(),
                NameOf(device).c_str());
  std::string text = title;
  text += Line("parameters", account.parameters);
  text += Line("gradients", account.gradients);
  text += Line("optimizer", account.optimizer);
  text += Line("activations and workspace", account.activations());
  text += Line("peak", account.peak());

  const auto with = [&](const std::string& assignment, const MemoryAccount& changed) {
    const double more = static_cast<double>(changed.peak() - account.peak()) / static_cast<double>(account.peak());
    char note[40];
    std::snprintf(note, sizeof(note), "%+ld %%", std::lround(100 * more));  // never -0
    text += Line(("with " + assignment).c_str(), changed.peak(), note);
  };
  const auto remeasured = [&](const std::string& assignment) {
    Config copy = config;
    copy.Set(assignment);
    with(assignment, AccountOf(copy, device));
  };
  remeasured(config.String("train.precision") == "bf16" ? "train.precision=f32" : "train.precision=bf16");
  if (config.Has("train.checkpoint"))
    remeasured(config.Bool("train.checkpoint") ? "train.checkpoint=false" : "train.checkpoint=true");
  for (const int64_t parts : {1, 2, 4, 8, 16, 32}) {
    if (parts == config.Int("train.accumulate") || parts > config.Int("train.batch")) continue;
    MemoryAccount changed = account;
    Divide(config.Int("train.batch"), parts, changed);
    with("train.accumulate=" + std::to_string(parts), changed);
  }
  return text;
}

}  // namespace orbit
