// Captured training steps give the same bits as steps that run operation by operation: parameters, optimiser state and
// losses of the models on particles. Runs on the emulator and, if there is one, on a GPU.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <numeric>
#include <string>

#include "engine/device.h"
#include "engine/ops/indexing.h"
#include "engine/ops/loss.h"
#include "engine/ops/shape.h"
#include "engine/optim/adam.h"
#include "engine/optim/schedule.h"
#include "engine/optim/sgd.h"
#include "engine/training/training_step.h"
#include "models/nbody_model.h"

namespace orbit {
namespace {

constexpr int64_t kExamples = 8, kBatch = 3, kParticles = 4;

struct Case {
  std::string name;
  std::string base = "transformer", symmetry = "SnxO3", distribution = "learned";
  int64_t samples = 2;
  std::string optimizer = "adam";
  double max_norm = 0.05;  // most steps clip
  double learning_rate = 1e-2;
  int64_t accumulate = 1;
};

std::vector<double> Bits(const TensorMap& tensors) {
  std::vector<double> values;
  for (const auto& [name, tensor] : tensors)
    for (const double value : tensor.ToVector<double>()) values.push_back(value);
  return values;
}

// A model in training: the state that a checkpoint keeps, and its steps.
class Training {
 public:
  Training(Device device, const Case& c, bool capture) : device_(device), case_(c) {
    Generator initialisation(1);
    NBodyModelOptions options;
    options.symmetry = c.symmetry;
    options.base = c.base;
    options.distribution = c.distribution;
    options.nodes = kParticles;
    options.transformer = {.layers = 1, .width = 8, .heads = 2};
    options.gnn = {.layers = 1, .hidden = 6};
    options.egnn = {.layers = 1, .hidden = 6};
    options.network_hidden = 12;
    options.network_neighbours = 3;
    options.network_dropout = 0.3;
    model_ = MakeNBodyModel(options, initialisation);
    model_->To(device);
    const auto normal = [&](const Shape& shape) { return initialisation.Normal(shape, 0, 1).To(device); };
    data_ = {normal({kExamples, kParticles, 3, 2}), normal({kExamples, kParticles, kParticles, 2}),
             normal({kExamples, kParticles, 3}), normal({kExamples, kParticles, 1})};
    if (c.optimizer == "sgd")
      optimizer_ = std::make_unique<optim::Sgd>(model().NamedParameters(), optim::SgdOptions{.momentum = 0.9});
    else
      optimizer_ = std::make_unique<optim::Adam>(
          model().NamedParameters(), optim::AdamOptions{.weight_decay = 0.1, .decoupled = c.optimizer == "adamw"});
    step_ = std::make_unique<TrainingStep>(
        *optimizer_,
        [this](const auto& inputs, const Span& rows, Generator& generator) {
          return Loss(inputs[0].Rows(rows.first, rows.first + rows.count).To(device_), generator);
        },
        TrainingStepOptions{.accumulate = c.accumulate, .clip_norm = c.max_norm, .capture = capture});
  }

  // Runs steps [first, last) and returns their losses, norms and entropies, read back one step later.
  std::vector<std::vector<double>> Run(int64_t first, int64_t last) {
    const optim::Schedule schedule = {.decay = optim::Decay::kCosine, .warmup_steps = 2, .total_steps = 12};
    std::vector<std::vector<double>> numbers;
    std::deque<PendingNumbers> pending;
    const auto take = [&] {
      const StepNumbers taken = pending.front().Get();
      pending.pop_front();
      numbers.push_back({taken.loss, taken.gradient_norm});
      for (const auto& [name, value] : taken.parts) numbers.back().push_back(value);
    };
    for (int64_t step = first; step < last; ++step) {
      std::vector<int64_t> examples;
      for (int64_t i = 0; i < kBatch; ++i) examples.push_back((step * 5 + i) % kExamples);
      pending.push_back(
          step_->Run({Tensor::From(examples, {kBatch})}, case_.learning_rate * schedule.Factor(step), generator_));
      if (pending.size() > 1) take();
    }
    take();
    return numbers;
  }

  Model& model() { return *model_; }
  optim::Optimizer& optimizer() { return *optimizer_; }
  Generator& generator() { return generator_; }
  int64_t captured_size() const { return step_->captured_size(); }

  // The loss on all examples, as in validation, which has other shapes.
  double Validate() {
    const NoGrad no_grad;
    model().Eval();
    Generator generator(9);
    std::vector<int64_t> all(kExamples);
    std::iota(all.begin(), all.end(), 0);
    const double loss = Total(Loss(Tensor::From(all, {kExamples}, device_), generator)).value().Item();
    model().Train();
    return loss;
  }

 private:
  // Of the examples with these numbers.
  std::vector<LossPart> Loss(const Tensor& index, Generator& generator) {
    const auto select = [&](const Tensor& x) { return IndexSelect(x, index).value(); };
    const ParticleBatch batch = {select(data_.nodes), select(data_.edges), select(data_.target), select(data_.charges)};
    const auto result = (*model_)(MakeParticleFeatures(batch), case_.samples, generator);
    const Variable prediction = Reshape(result.output, batch.target.shape());
    std::vector<LossPart> parts = {
        {"mse", MseLoss(prediction, batch.target, Reduction::kSum), kBatch * kParticles * 3.0}};
    if (result.entropy.defined()) parts.push_back({"entropy", result.entropy, kBatch, 0.1});
    return parts;
  }

  const Device device_;
  const Case case_;
  std::unique_ptr<Model> model_;
  ParticleBatch data_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  Generator generator_{5, uint64_t{1} << 56};
  std::unique_ptr<TrainingStep> step_;
};

void ExpectSame(Training& a, Training& b) {
  EXPECT_EQ(Bits(a.model().StateDict()), Bits(b.model().StateDict()));
  EXPECT_EQ(Bits(a.optimizer().State()), Bits(b.optimizer().State()));
  EXPECT_EQ(a.generator().stream(), b.generator().stream());
}

const std::vector<Case> kCases = {
    {.name = "learned"},
    {.name = "adamw_in_micro_batches", .optimizer = "adamw", .accumulate = 2},
    {.name = "sgd", .optimizer = "sgd"},
    {.name = "haar", .distribution = "haar"},
    {.name = "canonical", .distribution = "canonical", .samples = 1},
    {.name = "permutations", .symmetry = "Sn"},
    {.name = "gnn", .base = "gnn", .symmetry = "O3"},
    {.name = "egnn", .base = "egnn", .samples = 1},
};

class CapturedStep : public testing::TestWithParam<Device> {};

TEST_P(CapturedStep, GivesTheBitsOfOneThatIsNot) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Training eager(GetParam(), c, false), captured(GetParam(), c, true);
    const auto expected = eager.Run(0, 5), actual = captured.Run(0, 5);
    EXPECT_EQ(actual, expected);
    EXPECT_GT(captured.captured_size(), 20);
    EXPECT_EQ(eager.captured_size(), 0);
    ExpectSame(captured, eager);
  }
}

TEST_P(CapturedStep, GoesOnFromACheckpoint) {
  const Case c = kCases[0];
  Training eager(GetParam(), c, false), before(GetParam(), c, true), after(GetParam(), c, true);
  eager.Run(0, 9);
  before.Run(0, 4);
  after.model().LoadStateDict(before.model().StateDict());
  after.optimizer().LoadState(before.optimizer().State());
  after.generator() = before.generator();
  after.Run(4, 9);
  ExpectSame(after, eager);
}

TEST_P(CapturedStep, SharesTheDeviceWithOtherWork) {
  const Case c = {.name = "gnn", .base = "gnn", .symmetry = "O3"};
  Training eager(GetParam(), c, false), captured(GetParam(), c, true);
  for (int64_t step = 0; step < 6; ++step) {
    EXPECT_EQ(captured.Run(step, step + 1), eager.Run(step, step + 1));
    // Validation frees memory, which others then get.
    EXPECT_EQ(captured.Validate(), eager.Validate());
    std::vector<Tensor> others;
    for (int64_t size = 1; size < 5000; size = size * 3 / 2 + 1)
      for (int i = 0; i < 3; ++i) others.push_back(Tensor::Full({size}, 1e30, DType::kF32, GetParam()));
  }
  ExpectSame(captured, eager);
}

TEST_P(CapturedStep, CountsStepsThatMoveNothing) {
  Case c = kCases[0];
  c.learning_rate = 1e30;
  Training eager(GetParam(), c, false), captured(GetParam(), c, true);
  eager.Run(0, 6);
  captured.Run(0, 6);
  const auto counts = [](Training& training) {
    std::vector<int64_t> counts;
    for (const auto& [name, tensor] : training.optimizer().State())
      if (tensor.dtype() == DType::kI64) counts.push_back(tensor.ToVector<int64_t>()[0]);
    return counts;
  };
  EXPECT_EQ(counts(captured), counts(eager));
  EXPECT_EQ(counts(captured)[0], 6);
}

TEST_P(CapturedStep, AsksForNothingAndWaitsForNothing) {
  const Device device = GetParam();
  Training training(device, kCases[0], true);
  training.Run(0, StepGraph::kWarmUp + 1);
  const MemoryStatistics before = GetMemoryStatistics(device);
  const int64_t waits = SynchronizationCount(device);
  training.Run(StepGraph::kWarmUp + 1, 8);
  const MemoryStatistics after = GetMemoryStatistics(device);
  EXPECT_EQ(after.system_allocations, before.system_allocations);
  EXPECT_EQ(after.bytes_in_use, before.bytes_in_use);
  EXPECT_EQ(SynchronizationCount(device), waits);
}

std::vector<Device> Devices() {
  std::vector<Device> devices = {{DeviceType::kSimt}};
  for (const Device& gpu : CudaDevices()) devices.push_back(gpu);
  return devices;
}
INSTANTIATE_TEST_SUITE_P(Devices, CapturedStep, testing::ValuesIn(Devices()),
                         [](const auto& info) { return NameOf(info.param).substr(0, 4) + std::to_string(info.index); });

}  // namespace
}  // namespace orbit
