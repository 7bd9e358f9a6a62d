// One, two and three ranks, processes over TCP, have the same losses, gradients and predictions in f64, whether they
// divide examples or samples, in parts of different sizes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <sstream>

#include "engine/ops/indexing.h"
#include "engine/ops/loss.h"
#include "engine/ops/shape.h"
#include "engine/optim/sgd.h"
#include "engine/training/training_step.h"
#include "kernels/parallel.h"
#include "models/nbody_model.h"
#include "tests/engine/distributed/run_ranks.h"
#include "tools/experiments/agreement.h"
#include "tools/experiments/evaluation.h"
#include "tools/experiments/settings.h"

namespace orbit {
namespace {

constexpr int64_t kExamples = 7, kNodes = 5, kSamples = 5;

std::unique_ptr<Model> MakeModel() {
  Generator generator(2);
  NBodyModelOptions options{.symmetry = "SnxO3", .base = "transformer", .distribution = "learned", .nodes = kNodes};
  options.transformer = {.layers = 1, .width = 16, .heads = 2};
  options.network_hidden = 12;
  options.network_dropout = 0.2;
  return MakeNBodyModel(options, generator);
}

// Particles with learned elements of S_5 x O(3): noise, dropout, statistics of batches, soft permutations and their
// entropy.
class Particles : public Experiment {
 public:
  explicit Particles(const Config& config, uint64_t seed = 4) : Experiment(MakeModel(), config, {}) {
    model().To(DType::kF64);
    Generator generator(seed);
    nodes_ = generator.Normal({kExamples, kNodes, 3, 2}, 0, 1, DType::kF64);
    edges_ = generator.Normal({kExamples, kNodes, kNodes, 2}, 0, 1, DType::kF64);
    target_ = generator.Normal({kExamples, kNodes, 3}, 0, 1, DType::kF64);
  }
  std::string Describe() const override { return "particles"; }
  std::string DescribePredictions() const override { return "positions"; }
  int64_t size(Split split) const override { return split == Split::kValid ? 2 : kExamples; }
  Batch Load(Split, const Tensor& examples) const override {
    const auto select = [&](const Tensor& x) { return IndexSelect(x, examples).value(); };
    return {
        .x = MakeParticleFeatures({select(nodes_), select(edges_), {}, {}}), .target = select(target_), .numbers = {}};
  }
  Variable Prediction(const Variable& output) const override { return Reshape(output, {output.dim(0), kNodes, 3}); }
  std::vector<LossPart> Loss(const Variable& prediction, const Tensor& target, const WholeBatch& whole) const override {
    return {{.name = "mse",
             .sum = MseLoss(prediction, target, Reduction::kSum),
             .denominator = static_cast<double>(whole.examples * kNodes * 3)}};
  }
  int64_t evaluation_batch() const override { return 3; }  // which ranks divide otherwise
  std::string metric() const override { return "mse"; }
  bool more_is_better() const override { return false; }
  Metrics Measure(const Tensor& predictions, const Tensor& targets) const override {
    return {{"mse", MseLoss(predictions, targets).value().Item()}};
  }
  int64_t rows_at_once() const override { return 2 * kSamples; }

 private:
  Tensor nodes_, edges_, target_;
};

struct Case {
  bool by_samples = false;
  int64_t accumulate = 1;
};

// Numbers that depend on all losses, gradients, running statistics and predictions.
std::string TrainAndEvaluate(Communicator& ranks, const Case& divided) {
  const Config config = ResolveSettings({.preset = "nbody", .file = "", .assignments = {}});
  Particles experiment(config);
  experiment.model().Train();
  Communicator* sharers = divided.by_samples ? &ranks : nullptr;
  optim::Sgd optimizer(experiment.model().NamedParameters());
  TrainingStep step(optimizer,
                    [&](const std::vector<Tensor>& inputs, const Span& rows, Generator& generator) {
                      const Tensor examples = inputs[0].Rows(rows.first, rows.first + rows.count);
                      return experiment.TrainingLoss(experiment.Load(Split::kTrain, examples),
                                                     {.examples = rows.total, .counts = {}}, kSamples, generator,
                                                     sharers);
                    },
                    {.accumulate = divided.accumulate, .ranks = &ranks, .divide_rows = !divided.by_samples});
  Generator generator(3);
  std::ostringstream text;
  text.precision(17);
  const Tensor examples = Tensor::From<int64_t>({3, 0, 6, 1, 2, 5, 4}, {kExamples});
  const StepNumbers numbers = step.Run({examples}, 0.01, generator).Get();
  text << numbers.loss << " " << numbers.gradient_norm;
  for (const auto& [name, value] : numbers.parts) text << " " << value;
  const auto add = [&](const Tensor& tensor) {  // the l1 norm, and projections on two directions as shares of it
    double norm = 0, even = 0, odd = 0, sign = 1;
    for (const double value : tensor.ToVector<double>()) {
      norm += std::abs(value);
      even += value;
      odd += (sign = -sign) * value;
    }
    text << " " << norm;
    if (norm > 0) text << " " << even / norm << " " << odd / norm;
  };
  for (const NamedVariable& parameter : experiment.model().NamedParameters())
    if (parameter.variable.grad().defined()) add(parameter.variable.grad());
  for (const auto& [name, tensor] : experiment.model().StateDict()) add(tensor);
  experiment.model().Eval();
  for (const Split split : {Split::kTest, Split::kValid}) {
    Generator of_test(9);
    const Evaluation evaluation = Evaluate(experiment, split, kSamples, of_test, {}, {&ranks, divided.by_samples});
    text << " " << evaluation.loss << " " << evaluation.metric;
    add(evaluation.predictions);
  }
  return text.str();
}

std::vector<double> ToNumbers(const std::string& text) {
  std::istringstream from(text);
  std::vector<double> numbers;
  for (double number; from >> number;) numbers.push_back(number);
  return numbers;
}

TEST(SeveralRanks, HaveTheNumbersOfOneProcess) {
  kernels::SetNumThreads(1);  // ranks are forked
  for (const Case& divided : {Case{false, 1}, Case{false, 2}, Case{true, 1}, Case{true, 3}}) {
    const auto run = [&](int world) {
      std::vector<RankResult> results =
          RunRanks(world, {}, {}, [&](Communicator& ranks) { return TrainAndEvaluate(ranks, divided); });
      for (const RankResult& result : results) EXPECT_EQ(result.status, 0) << result.output;
      for (const RankResult& result : results) EXPECT_EQ(result.output, results[0].output) << "ranks differ";
      return results[0].output;
    };
    const std::vector<double> expected = ToNumbers(run(1));
    ASSERT_GT(expected.size(), 100u);
    for (const int world : {2, 3}) {
      SCOPED_TRACE(testing::Message() << world << " ranks, by samples " << divided.by_samples << ", micro-batches "
                                      << divided.accumulate);
      const std::string output = run(world);
      const std::vector<double> numbers = ToNumbers(output);
      ASSERT_EQ(numbers.size(), expected.size());
      for (size_t i = 0; i < numbers.size(); ++i)
        EXPECT_NEAR(numbers[i], expected[i], 1e-12 * (1 + std::abs(expected[i]))) << "number " << i;
      if (divided.accumulate == 1) {
        EXPECT_EQ(run(world), output) << "the same ranks have other bits";
      }
    }
  }
}

// One that is asked to stop an evaluation is enough; then none has a result, and all can go on together.
TEST(SeveralRanks, StopAnEvaluationTogether) {
  const Config config = ResolveSettings({.preset = "nbody", .file = "", .assignments = {}});
  for (const bool by_samples : {false, true}) {
    const std::vector<RankResult> results = RunRanks(3, {}, {}, [&](Communicator& ranks) {
      Particles experiment(config);
      experiment.model().Eval();
      std::ostringstream text;
      for (const int asked : {1, 3, 0}) {  // 3: none is
        Generator generator(9);
        const auto stop = [&] { return ranks.rank() == asked; };
        const std::optional<Evaluation> evaluation =
            EvaluateUntil(stop, experiment, Split::kTest, kSamples, generator, {}, {&ranks, by_samples});
        text << (evaluation ? "done " : "stopped ");
      }
      return text.str();
    });
    for (const RankResult& result : results) EXPECT_EQ(result.output, "stopped done stopped ") << by_samples;
  }
}

TEST(SeveralRanks, CompareTheirDataAndShareTheFirstOnesState) {
  const Config config = ResolveSettings({.preset = "nbody", .file = "", .assignments = {}});
  const auto run = [&](bool same) {
    return RunRanks(2, {}, {}, [&](Communicator& ranks) {
      Particles experiment(config, same ? 4 : 4 + ranks.rank());
      CheckDataAgree(experiment, ranks);
      for (const NamedVariable& parameter : experiment.model().NamedParameters())
        if (ranks.rank() == 1) parameter.variable.value().Zero();
      ShareState(experiment.model(), ranks);
      double sum = 0;
      for (const NamedVariable& parameter : experiment.model().NamedParameters())
        for (const double value : parameter.variable.value().ToVector<double>()) sum += std::abs(value);
      return std::to_string(sum);
    });
  };
  const std::vector<RankResult> same = run(true), other = run(false);
  EXPECT_EQ(same[0].status, 0) << same[0].output;
  EXPECT_GT(std::stod(same[0].output), 0);
  EXPECT_EQ(same[1].output, same[0].output);
  EXPECT_NE(other[1].status, 0);
  EXPECT_THAT(other[1].output, testing::HasSubstr("has other data than rank 0: the split train has "));
}

TEST(SeveralRanks, HaveFilesAtPlacesOfTheirOwn) {
  const auto run = [&](const std::string& key) {
    return RunRanks(2, {}, {}, [&](Communicator& ranks) {
      const std::string of_rank = key + "=" + std::to_string(ranks.rank());
      CheckSettingsAgree(ResolveSettings({.preset = "peptides_func", .file = "", .assignments = {of_rank}}), ranks, {});
      return std::string();
    })[1];
  };
  for (const char* key : {"run.directory", "data.path", "data.splits", "model.weights"})
    EXPECT_EQ(run(key).status, 0) << run(key).output;
  EXPECT_THAT(run("seed").output, testing::HasSubstr("has another seed than rank 0"));
}

}  // namespace
}  // namespace orbit
