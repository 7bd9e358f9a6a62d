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
#include "models/egnn.h"
#include "models/nbody_model.h"

namespace orbit {
namespace {

// Clouds that go through the model at once in evaluation, times samples. Results do not depend on it.
constexpr int64_t kSequencesAtOnce = 4000;

// What the two families of models have in common.
class ParticleModel {
 public:
  virtual ~ParticleModel() = default;
  virtual nn::Module& module() = 0;
  virtual const Group& group() const = 0;
  virtual NBodyModel::Result Forward(const ParticleBatch& batch, const Noise& noise, Generator& generator) = 0;
  virtual Noise DrawNoise(const ParticleBatch& batch, int64_t samples, Generator& generator) = 0;
  virtual Noise Transform(const Element& h, const Noise& noise) = 0;
};

class SymmetrizedModel : public ParticleModel {
 public:
  SymmetrizedModel(const NBodyModelOptions& options, Generator& generator) : model_(options, generator) {}
  nn::Module& module() override { return model_; }
  const Group& group() const override { return model_.group(); }
  NBodyModel::Result Forward(const ParticleBatch& batch, const Noise& noise, Generator& generator) override {
    return model_.Forward(batch, noise, generator);
  }
  Noise DrawNoise(const ParticleBatch& batch, int64_t samples, Generator& generator) override {
    return model_.DrawNoise(batch, samples, generator);
  }
  Noise Transform(const Element& h, const Noise& noise) override {
    return Act(h, model_.network().noise_representation(), noise);
  }

 private:
  NBodyModel model_;
};

// Equivariant as it is: there is nothing to sample.
class TailoredModel : public ParticleModel {
 public:
  TailoredModel(const EgnnOptions& options, Generator& generator) : model_(options, generator) {}
  nn::Module& module() override { return model_; }
  const Group& group() const override { return group_; }
  NBodyModel::Result Forward(const ParticleBatch& batch, const Noise&, Generator&) override {
    const Shape vectors = batch.target.shape();
    return {.prediction = model_(Reshape(Slice(batch.nodes, -1, 0, 1), vectors),
                                 Reshape(Slice(batch.nodes, -1, 1, 2), vectors), batch.charges),
            .entropy = {},
            .element = {}};
  }
  Noise DrawNoise(const ParticleBatch&, int64_t samples, Generator&) override { return {.samples = samples}; }
  Noise Transform(const Element&, const Noise& noise) override { return noise; }

 private:
  Group group_ = ParseGroup("SnxE3");
  Egnn model_;
};

class NBodyTask : public Task {
 public:
  NBodyTask(std::unique_ptr<ParticleModel> model, std::array<ParticleBatch, 3> data, double entropy_weight)
      : model_(std::move(model)), data_(std::move(data)), entropy_weight_(entropy_weight) {}

  std::string metric() const override { return "mse"; }
  nn::Module& model() override { return model_->module(); }
  int64_t size(Split split) const override { return data(split).target.dim(0); }

  bool has_static_steps() const override { return true; }

  Loss TrainingLoss(const Tensor& examples, int64_t samples, Generator& generator) override {
    const ParticleBatch& all = data(Split::kTrain);
    const Tensor index = examples.To(all.nodes.device());
    const auto select = [&](const Tensor& x) { return IndexSelect(x, index).value(); };
    const ParticleBatch batch = {select(all.nodes), select(all.edges), select(all.target), select(all.charges)};
    const auto [prediction, entropy, element] =
        model_->Forward(batch, model_->DrawNoise(batch, samples, generator), generator);
    const Variable mse = MseLoss(prediction, batch.target);
    if (!entropy.defined()) return {.total = mse, .parts = {}};
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
      const Noise noise = model_->DrawNoise(batch, samples, generator);
      predictions.Rows(begin, end).CopyFrom(model_->Forward(batch, noise, generator).prediction.value());
      progress(static_cast<double>(end) / static_cast<double>(count));
    }
    generator = generator.WithRows({});
    const double mse = MseLoss(predictions, data(split).target).value().Item();
    return {.loss = mse, .metric = mse, .predictions = predictions};
  }

  EquivarianceError MeasureEquivariance(Split split, int64_t samples, Generator& generator) override {
    NoGrad no_grad;
    const ParticleBatch x = Rows(data(split), 0, std::min(size(split), CloudsAtOnce(samples)));
    const Element h = RandomElement(model_->group(), NBodyModel::MakeFeatures(x), generator);
    const Features moved = Act(h, NBodyModel::MakeFeatures(x));
    const ParticleBatch hx = {moved.features[0].value.value(), moved.features[1].value.value(), x.target,
                              Act(h, {x.charges, Representation::Scalars(1)}).value()};
    const auto predict = [&](const ParticleBatch& batch, const Noise& noise) {
      return model_->Forward(batch, noise, generator).prediction;
    };
    const Noise noise = model_->DrawNoise(x, samples, generator);
    const Variable y = predict(x, noise);
    Shape vectors = y.shape();
    vectors.push_back(1);
    const Variable hy = Reshape(Act(h, {Reshape(y, vectors), Representation::Vectors(1, /*points=*/1)}), y.shape());
    return {.exact = RelativeDistance(predict(hx, model_->Transform(h, noise)), hy),
            .statistical = RelativeDistance(predict(hx, model_->DrawNoise(hx, samples, generator)), hy)};
  }

 private:
  static int64_t CloudsAtOnce(int64_t samples) { return std::max<int64_t>(1, kSequencesAtOnce / samples); }

  static ParticleBatch Rows(const ParticleBatch& x, int64_t begin, int64_t end) {
    return {x.nodes.Rows(begin, end), x.edges.Rows(begin, end), x.target.Rows(begin, end), x.charges.Rows(begin, end)};
  }

  static double RelativeDistance(const Variable& a, const Variable& b) {
    return std::sqrt(Sum(Square(Sub(a, b))).value().Item() / Sum(Square(b)).value().Item());
  }

  const ParticleBatch& data(Split split) const { return data_[static_cast<size_t>(split)]; }

  std::unique_ptr<ParticleModel> model_;
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

std::unique_ptr<ParticleModel> MakeModel(const Config& config, Generator& generator) {
  if (config.String("model.base") == "egnn")
    return std::make_unique<TailoredModel>(
        EgnnOptions{.layers = config.Int("model.egnn.layers"), .hidden = config.Int("model.egnn.hidden")}, generator);
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
  options.network_hidden = config.Int("model.network.hidden");
  options.network_neighbours = config.Int("model.network.neighbours");
  options.network_dropout = config.Double("model.network.dropout");
  options.noise_scale = config.Double("model.noise_scale");
  options.soft_sort.tau = config.Double("model.tau");
  options.soft_sort.hard = config.Bool("model.hard");
  return std::make_unique<SymmetrizedModel>(options, generator);
}

std::unique_ptr<Task> Make(const Config& config, Device device, Generator& generator, const ShareDone& progress) {
  std::unique_ptr<ParticleModel> model = MakeModel(config, generator);  // first: it may refuse the settings
  model->module().To(device);
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
