#include "tools/experiments/nbody_task.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "data/nbody/nbody.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/indexing.h"
#include "engine/ops/loss.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/equivariance.h"
#include "models/nbody_model.h"

namespace orbit {
namespace {

// Clouds that go through the model at once in evaluation, times samples. Results do not depend on it.
constexpr int64_t kSequencesAtOnce = 4000;

class NBodyTask : public Task {
 public:
  NBodyTask(std::unique_ptr<Model> model, std::array<ParticleBatch, 3> data, double entropy_weight)
      : model_(std::move(model)), data_(std::move(data)), entropy_weight_(entropy_weight) {}

  std::string metric() const override { return "mse"; }
  nn::Module& model() override { return *model_; }
  int64_t size(Split split) const override { return data(split).target.dim(0); }

  bool has_static_steps() const override { return true; }

  Loss TrainingLoss(const Tensor& examples, int64_t samples, Generator& generator) override {
    const ParticleBatch& all = data(Split::kTrain);
    const Tensor index = examples.To(all.nodes.device());
    const auto select = [&](const Tensor& x) { return IndexSelect(x, index).value(); };
    const ParticleBatch batch = {select(all.nodes), select(all.edges), select(all.target), select(all.charges)};
    const auto result = (*model_)(MakeParticleFeatures(batch), Samples(samples), generator);
    const Variable mse = MseLoss(Reshape(result.output, batch.target.shape()), batch.target);
    if (!result.entropy.defined()) return {.total = mse, .parts = {}};
    const Variable entropy = Scale(result.entropy, 1 / static_cast<double>(examples.dim(0)));
    return {.total = Add(mse, Scale(entropy, entropy_weight_)), .parts = {{"mse", mse}, {"entropy", entropy}}};
  }

  Evaluation Evaluate(Split split, int64_t samples, Generator& generator, const ShareDone& progress) override {
    NoGrad no_grad;
    const int64_t count = size(split), at_once = CloudsAtOnce(samples);
    Tensor predictions = Tensor::EmptyLike(data(split).target);
    const Generator start = generator;
    for (int64_t begin = 0; begin < count; begin += at_once) {
      const int64_t end = std::min(count, begin + at_once);
      const ParticleBatch batch = Rows(data(split), begin, end);
      generator = start.WithRows({begin, end - begin, count});
      const Variable output = (*model_)(MakeParticleFeatures(batch), Samples(samples), generator).output;
      predictions.Rows(begin, end).CopyFrom(output.value().Reshape(batch.target.shape()));
      progress(static_cast<double>(end) / static_cast<double>(count));
    }
    generator = generator.WithRows({});
    const double mse = MseLoss(predictions, data(split).target).value().Item();
    return {.loss = mse, .metric = mse, .predictions = predictions};
  }

  EquivarianceError MeasureEquivariance(Split split, int64_t samples, Generator& generator) override {
    NoGrad no_grad;
    const Features x = MakeParticleFeatures(Rows(data(split), 0, std::min(size(split), CloudsAtOnce(samples))));
    const Element h = RandomElement(model_->group(), x, generator);
    const Features hx = Act(h, x);
    const Noise noise = model_->DrawNoise(x, Samples(samples), generator);
    const Variable hy = Act(h, {model_->Forward(x, noise, generator).output, model_->output_representation()});
    return {.exact = RelativeDistance(model_->Forward(hx, model_->Act(h, noise), generator).output, hy),
            .statistical = RelativeDistance((*model_)(hx, Samples(samples), generator).output, hy)};
  }

 private:
  int64_t Samples(int64_t samples) const { return model_->is_sampled() ? samples : 1; }

  static int64_t CloudsAtOnce(int64_t samples) { return std::max<int64_t>(1, kSequencesAtOnce / samples); }

  static ParticleBatch Rows(const ParticleBatch& x, int64_t begin, int64_t end) {
    return {x.nodes.Rows(begin, end), x.edges.Rows(begin, end), x.target.Rows(begin, end), x.charges.Rows(begin, end)};
  }

  static double RelativeDistance(const Variable& a, const Variable& b) {
    return std::sqrt(Sum(Square(Sub(a, b))).value().Item() / Sum(Square(b)).value().Item());
  }

  const ParticleBatch& data(Split split) const { return data_[static_cast<size_t>(split)]; }

  std::unique_ptr<Model> model_;
  std::array<ParticleBatch, 3> data_;
  double entropy_weight_;
};

void AddKeys(ConfigSchema& schema) {
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
  schema.Int("model.network.neighbours", 4, "of a particle in its edge convolutions, itself among them", {.min = 1});
  schema.Double("model.network.dropout", 0.08, "", {.min = 0, .max = 0.999});
  schema.Double("train.entropy_weight", 0.1, "of the soft permutations' entropy in the loss", {.min = 0});
  schema.String("data.forces", "charged", "between the particles", {"charged", "spring"});
  schema.Int("data.particles", 5, "a trajectory", {.min = 2, .max = 100});
  schema.Int("data.steps", 5000, "of the simulator, 1e-3 each; a frame every 100", {.min = 4200, .max = 1000000});
  schema.Int("data.seed", 43, "of the simulator; the published data has 43", {.min = 0});
  schema.Int("data.train", 3000, "trajectories to train on, of 10,000", {.min = 1, .max = 10000});
  schema.Int("data.valid", 2000, "trajectories to validate on", {.min = 0, .max = 1000000});
  schema.Int("data.test", 2000, "trajectories to test on", {.min = 1, .max = 1000000});
}

std::unique_ptr<Model> MakeModel(const Config& config, Generator& generator) {
  NBodyModelOptions options;
  options.symmetry = config.String("model.symmetry");
  options.base = config.String("model.base");
  options.distribution = config.String("model.distribution");
  options.nodes = config.Int("data.particles");
  options.transformer.layers = config.Int("model.transformer.layers");
  options.transformer.width = config.Int("model.transformer.width");
  options.transformer.heads = config.Int("model.transformer.heads");
  options.gnn.layers = config.Int("model.gnn.layers");
  options.gnn.hidden = config.Int("model.gnn.hidden");
  options.egnn = {.layers = config.Int("model.egnn.layers"), .hidden = config.Int("model.egnn.hidden")};
  options.network_hidden = config.Int("model.network.hidden");
  options.network_neighbours = config.Int("model.network.neighbours");
  options.network_dropout = config.Double("model.network.dropout");
  options.noise_scale = config.Double("model.noise_scale");
  options.soft_sort.tau = config.Double("model.tau");
  options.soft_sort.hard = config.Bool("model.hard");
  return MakeNBodyModel(options, generator);
}

std::unique_ptr<Task> Make(const Config& config, Device device, Generator& generator, const ShareDone& progress) {
  std::unique_ptr<Model> model = MakeModel(config, generator);  // first: it may refuse the settings
  model->To(device);
  const NBodyData simulated = LoadNBody({.simulator = {.forces = ParseForces(config.String("data.forces")),
                                                       .particles = config.Int("data.particles"),
                                                       .steps = config.Int("data.steps")},
                                         .seed = config.Int("data.seed"),
                                         .train = config.Int("data.train"),
                                         .valid = config.Int("data.valid"),
                                         .test = config.Int("data.test")},
                                        progress);
  std::array<ParticleBatch, 3> data;
  for (size_t i = 0; i < data.size(); ++i) {
    const ParticleExamples from = MakeExamples(simulated.splits[i]);
    data[i] = {from.nodes.To(device), from.edges.To(device), from.target.To(device), from.charges.To(device)};
  }
  return std::make_unique<NBodyTask>(std::move(model), std::move(data), config.Double("train.entropy_weight"));
}

}  // namespace

TaskKind NBodyTaskKind() {
  return {
      .name = "nbody", .help = "charged particles: where are they some time later?", .add_keys = AddKeys, .make = Make};
}

}  // namespace orbit
