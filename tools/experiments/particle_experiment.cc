#include "tools/experiments/particle_experiment.h"

#include <algorithm>
#include <utility>

#include "engine/ops/indexing.h"
#include "engine/ops/loss.h"
#include "engine/ops/shape.h"
#include "models/nbody_model.h"

namespace orbit {
namespace {

constexpr int64_t kSpace = 3;  // dimensions that models take
// Pairs of particles, times samples, that go through the model at once in evaluation.
constexpr int64_t kPairsAtOnce = 100000;

// A plane in space: [count, n, 2, 2] -> [count, n, 3, 2], z being 0.
Tensor InSpace(const Tensor& nodes) {
  Shape shape = nodes.shape();
  shape[2] = kSpace - shape[2];
  return shape[2] == 0 ? nodes : Concat({nodes, Tensor::Zeros(shape)}, 2).value();
}

class ParticleExperiment : public Experiment {
 public:
  ParticleExperiment(std::unique_ptr<Model> model, const Config& config, Device device,
                     const std::array<ParticleFrames, kSplits.size()>& data)
      : Experiment(std::move(model), config, device) {
    for (const Split split : kSplits) {
      const ParticleFrames& frames = data[static_cast<size_t>(split)];
      if (!frames.positions.defined()) continue;
      particles_ = frames.positions.dim(1);
      dimensions_ = frames.positions.dim(2);
      const ParticleExamples x = MakeExamples(frames);
      data_[static_cast<size_t>(split)] = {.nodes = InSpace(x.nodes).To(device),
                                           .edges = x.edges.To(device),
                                           .target = x.target.defined() ? x.target.To(device) : Tensor(),
                                           .charges = x.charges.To(device)};
    }
  }

  std::string Describe() const override {
    std::string counts;
    for (const Split split : kSplits)
      if (size(split) > 0)
        counts += (counts.empty() ? "" : ", ") + std::to_string(size(split)) + " to " + NameOf(split);
    return "trajectories of " + std::to_string(particles_) + " particles in " + std::to_string(dimensions_) +
           " dimensions: " + counts;
  }

  std::string DescribePredictions() const override {
    return "predictions: positions [trajectory, " + std::to_string(particles_) + ", " + std::to_string(dimensions_) +
           "], in the order of the files";
  }

  int64_t size(Split split) const override { return data(split).nodes.defined() ? data(split).nodes.dim(0) : 0; }

  bool has_static_steps() const override { return true; }

  Batch Load(Split split, const Tensor& examples) const override {
    const ParticleExamples& all = data(split);
    const Tensor index = examples.To(device());
    const auto select = [&](const Tensor& x) { return x.defined() ? IndexSelect(x, index).value() : Tensor(); };
    return {.x = MakeParticleFeatures({select(all.nodes), select(all.edges), {}, select(all.charges)}),
            .target = select(all.target),
            .numbers = {}};
  }

  // [count, n, 3, 1] -> [count, n, dimensions]
  Variable Prediction(const Variable& output) const override {
    Shape shape = output.shape();
    shape.pop_back();
    return Slice(Reshape(output, shape), 2, 0, dimensions_);
  }

  std::vector<LossPart> Loss(const Variable& prediction, const Tensor& target, const WholeBatch& whole) const override {
    return {{.name = "mse",
             .sum = MseLoss(prediction, target, Reduction::kSum),
             .denominator = static_cast<double>(whole.examples * particles_ * dimensions_)}};
  }

  std::string metric() const override { return "mse"; }
  bool more_is_better() const override { return false; }
  Metrics Measure(const Tensor& predictions, const Tensor& targets) const override {
    return {{metric(), MseLoss(predictions, targets).value().Item()}};
  }

  int64_t rows_at_once() const override { return kPairsAtOnce / (particles_ * particles_); }

 private:
  const ParticleExamples& data(Split split) const { return data_[static_cast<size_t>(split)]; }

  int64_t particles_ = 0, dimensions_ = 0;
  std::array<ParticleExamples, kSplits.size()> data_;  // nodes in space
};

}  // namespace

void AddParticleModelKeys(ConfigSchema& schema) {
  schema.String("model.base", "transformer",
                "the base function; egnn is equivariant by itself and sampled from nothing",
                {"transformer", "gnn", "egnn"});
  schema.String("model.symmetry", "SnxO3", "the group; translations are always taken out",
                {"SnxO3", "SnxSO3", "O3", "SO3", "Sn"});
  schema.String("model.distribution", "learned", "of the group elements", {"learned", "haar", "canonical"});
  schema.Double("model.noise_scale", 1, "deviation of the equivariant network's noise", {.min = 0});
  schema.Double("model.tau", 0.1, "temperature of the soft permutations", {.min = 1e-6});
  schema.Bool("model.hard", true, "permute by the hard permutation, with a straight-through gradient");
  schema.Int("model.transformer.layers", 8, "", {.min = 1, .max = 1000});
  schema.Int("model.transformer.width", 64, "", {.min = 1, .max = 65536});
  schema.Int("model.transformer.heads", 4, "", {.min = 1, .max = 1024});
  schema.Int("model.gnn.layers", 4, "", {.min = 1, .max = 1000});
  schema.Int("model.gnn.hidden", 60, "", {.min = 1, .max = 65536});
  schema.Int("model.egnn.layers", 4, "", {.min = 1, .max = 1000});
  schema.Int("model.egnn.hidden", 64, "", {.min = 1, .max = 65536});
  schema.Int("model.network.hidden", 64, "width of the equivariant network; it has a third as many vector channels",
             {.min = 3, .max = 65536});
  schema.Int("model.network.neighbours", 4, "of a particle in its edge convolutions, itself among them; at most all",
             {.min = 1});
  schema.Double("model.network.dropout", 0.08, "", {.min = 0, .max = 0.999});
  schema.Bool("train.checkpoint", false,
              "compute the transformer's layers again in the backward: the same bits for less memory");
}

std::unique_ptr<Model> MakeParticleModel(const Config& config, int64_t particles, Generator& generator) {
  return MakeNBodyModel({.symmetry = config.String("model.symmetry"),
                         .base = config.String("model.base"),
                         .distribution = config.String("model.distribution"),
                         .nodes = particles,
                         .transformer = {.layers = config.Int("model.transformer.layers"),
                                         .width = config.Int("model.transformer.width"),
                                         .heads = config.Int("model.transformer.heads"),
                                         .checkpoint = config.Bool("train.checkpoint")},
                         .gnn = {.layers = config.Int("model.gnn.layers"), .hidden = config.Int("model.gnn.hidden")},
                         .egnn = {.layers = config.Int("model.egnn.layers"), .hidden = config.Int("model.egnn.hidden")},
                         .network_hidden = config.Int("model.network.hidden"),
                         .network_neighbours = std::min(config.Int("model.network.neighbours"), particles),
                         .network_dropout = config.Double("model.network.dropout"),
                         .noise_scale = config.Double("model.noise_scale"),
                         .soft_sort = {.tau = config.Double("model.tau"), .hard = config.Bool("model.hard")}},
                        generator);
}

std::unique_ptr<Experiment> MakeParticleExperiment(std::unique_ptr<Model> model, const Config& config, Device device,
                                                   const std::array<ParticleFrames, kSplits.size()>& data) {
  return std::make_unique<ParticleExperiment>(std::move(model), config, device, data);
}

}  // namespace orbit
