#include "tools/experiments/experiment.h"

#include <utility>

#include "engine/distributed/share.h"
#include "engine/ops/elementwise.h"
#include "engine/training/training_step.h"

namespace orbit {

Batch Batch::To(Device device) const {
  return Copied([&](const Tensor& tensor) { return tensor.To(device); });
}

Batch Batch::Copied(const std::function<Tensor(const Tensor&)>& copy) const {
  Batch batch = *this;
  for (Feature& feature : batch.x.features) feature.value = copy(feature.value.value());
  if (x.num_nodes.defined()) batch.x.num_nodes = copy(x.num_nodes);
  if (x.edges.graphs > 0) batch.x.edges = x.edges.Copied(copy);
  if (x.edge_features.defined()) batch.x.edge_features = copy(x.edge_features);
  if (target.defined()) batch.target = copy(target);
  return batch;
}

void Experiment::AddKeys(ConfigSchema& schema) {
  schema.String("train.precision", "f32",
                "of the base function: tf32 lets GPUs multiply on tensor cores, bf16 rounds activations; weights, sums "
                "and what is sampled stay f32",
                {"f32", "tf32", "bf16"});
  schema.String("evaluation.precision", "train", "the same in evaluation; train: as in training",
                {"train", "f32", "tf32", "bf16"});
  schema.Double("train.entropy_weight", 0.1, "of the soft permutations' entropy in the loss", {.min = 0});
}

Experiment::Experiment(std::unique_ptr<Model> model, const Config& config, Device device)
    : model_(std::move(model)), device_(device), entropy_weight_(config.Double("train.entropy_weight")) {
  model_->To(device);
  model_->set_precision(ParsePrecision(config.String("train.precision")));
  const std::string& evaluation = config.String("evaluation.precision");
  evaluation_precision_ = evaluation == "train" ? model_->precision() : ParsePrecision(evaluation);
}

Model::Result Experiment::Forward(const Batch& batch, int64_t samples, Generator& generator,
                                  Communicator* sharers) const {
  if (!sharers || sharers->world() == 1)
    return model_->Forward(batch.x, DrawNoise(batch, samples, generator), generator);
  const Span mine = PartOf(samples, sharers->world(), sharers->rank());
  Generator of_mine = generator.WithSamples(mine);
  const Noise noise = DrawNoise(batch, mine.count, of_mine);
  Model::Result result = model_->Forward(batch.x, noise, of_mine);
  generator.Skip(of_mine.stream() - generator.stream());
  const auto mean_of_all = [&](const Variable& mean) {
    return SumOverRanks(Scale(mean, static_cast<double>(mine.count) / static_cast<double>(samples)), *sharers);
  };
  result.output = mean_of_all(result.output);
  if (result.entropy.defined()) result.entropy = mean_of_all(result.entropy);
  return result;
}

std::string Experiment::PredictionTable(Split, const Tensor&) const {
  Fail("predictions of this task are written as .npy: nothing identifies its examples in a table");
}

std::vector<LossPart> Experiment::TrainingLoss(const Batch& batch, const WholeBatch& whole, int64_t samples,
                                               Generator& generator, Communicator* sharers) const {
  const Model::Result result = Forward(batch, samples, generator, sharers);
  std::vector<LossPart> parts = Loss(Prediction(result.output), batch.target, whole);
  if (result.entropy.defined())
    parts.push_back({.name = "entropy",
                     .sum = result.entropy,
                     .denominator = static_cast<double>(whole.examples),
                     .weight = entropy_weight_});
  return parts;
}

Generator MakeGenerator(int64_t seed, RandomUse use) {
  return Generator(static_cast<uint64_t>(seed), static_cast<uint64_t>(use) << 56);
}

std::unique_ptr<Experiment> MakeExperiment(Config& config, Device device, const ShareDone& progress,
                                           const std::string& new_data) {
  Generator initialisation = MakeGenerator(config.Int("seed"), RandomUse::kInitialisation);
  return FindExperimentKind(config.String("task")).make({config, device, initialisation, progress, new_data});
}

}  // namespace orbit
