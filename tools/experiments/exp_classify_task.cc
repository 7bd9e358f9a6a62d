#include "tools/experiments/exp_classify_task.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "data/graph/graph_sets.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/loss.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/equivariance.h"
#include "models/graph_model.h"
#include "tools/common/path.h"

namespace orbit {
namespace {

constexpr int64_t kNodes = 64;
constexpr uint64_t kFixedNoiseSeed = 0;
constexpr int64_t kRowsAtOnce = 1000;  // graphs times samples in evaluation; results do not depend on it

// Numbers [begin, end) of the graphs of a split.
struct Range {
  int64_t begin, end;
};
constexpr Range kRanges[] = {{400, 1200}, {0, 200}, {200, 400}};  // train, valid, test

class ExpClassifyTask : public Task {
 public:
  ExpClassifyTask(const GraphModelOptions& options, std::vector<Graph> graphs, bool fixed_noise, double entropy_weight,
                  Device device, Generator& generator)
      : model_(MakeGraphModel(options, generator)),
        graphs_(std::move(graphs)),
        fixed_noise_(fixed_noise),
        entropy_weight_(entropy_weight),
        device_(device) {
    model_->To(device);
  }

  std::string metric() const override { return "accuracy"; }
  nn::Module& model() override { return *model_; }
  int64_t size(Split split) const override { return RangeOf(split).end - RangeOf(split).begin; }

  Loss TrainingLoss(const Tensor& examples, int64_t samples, Generator& generator) override {
    const std::vector<int64_t> numbers = examples.ToVector<int64_t>();
    const GraphBatch batch = Batch(Split::kTrain, numbers);
    const Features x = MakeGraphFeatures(batch.nodes, batch.edges, batch.num_nodes);
    const auto result = model_->Forward(x, DrawNoise(x, Split::kTrain, numbers, samples, generator), generator);
    const Variable bce = BceWithLogitsLoss(result.output, batch.targets);
    if (!result.entropy.defined()) return {.total = bce, .parts = {}};
    const Variable entropy = Scale(result.entropy, 1 / static_cast<double>(examples.dim(0)));
    return {.total = Add(bce, Scale(entropy, entropy_weight_)), .parts = {{"bce", bce}, {"entropy", entropy}}};
  }

  Evaluation Evaluate(Split split, int64_t samples, Generator& generator, const ShareDone& progress) override {
    NoGrad no_grad;
    const int64_t count = size(split), at_once = std::max<int64_t>(1, kRowsAtOnce / samples);
    const Generator start = generator;
    Tensor logits = Tensor::Empty({count, 1}, DType::kF32, device_);
    double loss = 0, correct = 0;
    for (int64_t begin = 0; begin < count; begin += at_once) {
      const int64_t end = std::min(count, begin + at_once);
      std::vector<int64_t> numbers(end - begin);
      std::iota(numbers.begin(), numbers.end(), begin);
      const GraphBatch batch = Batch(split, numbers);
      const Features x = MakeGraphFeatures(batch.nodes, batch.edges, batch.num_nodes);
      generator = start.WithRows({begin, end - begin, count});
      const Variable output = model_->Forward(x, DrawNoise(x, split, numbers, samples, generator), generator).output;
      loss += BceWithLogitsLoss(output, batch.targets).value().Item() * static_cast<double>(end - begin);
      const std::vector<double> values = output.value().ToVector<double>(), targets = batch.targets.ToVector<double>();
      for (size_t i = 0; i < values.size(); ++i) correct += (values[i] > 0) == (targets[i] > 0.5);
      logits.Rows(begin, end).CopyFrom(output.value());
      progress(static_cast<double>(end) / static_cast<double>(count));
    }
    generator = generator.WithRows({});
    return {.loss = loss / static_cast<double>(count),
            .metric = 100 * correct / static_cast<double>(count),
            .predictions = logits};
  }

  EquivarianceError MeasureEquivariance(Split split, int64_t samples, Generator& generator) override {
    NoGrad no_grad;
    std::vector<int64_t> numbers(std::min<int64_t>(size(split), std::max<int64_t>(1, kRowsAtOnce / samples)));
    std::iota(numbers.begin(), numbers.end(), 0);
    const GraphBatch batch = Batch(split, numbers);
    // Padding stays where it is: only the nodes of graphs of full size would be free to move among all places.
    const Features x = MakeGraphFeatures(batch.nodes, batch.edges, batch.num_nodes);
    const Element h = RandomElement(ParseGroup("Sn"), x, generator);
    const Features hx = Act(h, x);
    const auto predict = [&](const Features& features, const Noise& noise) {
      return model_->Forward(features, noise, generator).output;
    };
    const Noise noise = model_->DrawNoise(x, samples, generator);
    const Variable y = predict(x, noise);
    const auto distance = [&](const Variable& other) {
      return std::sqrt(Sum(Square(Sub(other, y))).value().Item() / Sum(Square(y)).value().Item());
    };
    return {.exact = distance(predict(hx, model_->Act(h, noise))),
            .statistical = distance(predict(hx, model_->DrawNoise(hx, samples, generator)))};
  }

 private:
  static const Range& RangeOf(Split split) { return kRanges[static_cast<size_t>(split)]; }

  GraphBatch Batch(Split split, std::vector<int64_t> numbers) const {
    for (int64_t& number : numbers) number += RangeOf(split).begin;
    return MakeGraphBatch(graphs_, numbers, kNodes).To(device_);
  }

  // The noise of graphs numbered `numbers` within a split.
  Noise DrawNoise(const Features& x, Split split, const std::vector<int64_t>& numbers, int64_t samples,
                  Generator& generator) const {
    if (!fixed_noise_) return model_->DrawNoise(x, samples, generator);
    // The same for a graph whenever it comes: drawn by its number in the data set.
    Noise noise{.samples = samples};
    std::vector<Variable> network, scores;
    for (size_t i = 0; i < numbers.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      Generator fixed = Generator(kFixedNoiseSeed)
                            .WithRows({numbers[i] + RangeOf(split).begin, 1, static_cast<int64_t>(graphs_.size())});
      const Features graph = MakeGraphFeatures(Slice(x.features[0].value, 0, row, row + 1).value(), {}, {});
      const Noise drawn = model_->DrawNoise(graph, samples, fixed);
      network.emplace_back(drawn.network);
      scores.emplace_back(drawn.scores);
    }
    noise.network = Concat(network, 0).value();
    noise.scores = Concat(scores, 0).value();
    return noise;
  }

  std::unique_ptr<Model> model_;
  std::vector<Graph> graphs_;
  bool fixed_noise_;
  double entropy_weight_;
  Device device_;
};

void AddKeys(ConfigSchema& schema) {
  schema.String("model.base", "mlp",
                "the base function to symmetrize (mlp, gin_id), or a network that is invariant by itself",
                {"mlp", "gin_id", "gcn", "gat", "gin", "chebnet", "ppgn"});
  schema.String("model.distribution", "learned", "of a base function's permutations",
                {"learned", "haar", "frame", "minimal_frame", "canonical"});
  schema.Double("model.noise_scale", 1, "the equivariant network's noise is uniform up to it", {.min = 0});
  schema.Bool("model.fixed_noise", false, "whether a graph gets the same noise whenever it comes (learned)");
  schema.Double("model.tau", 0.01, "temperature of the soft permutations", {.min = 1e-6});
  schema.IntList("model.mlp.widths", {2048, 4096, 2048}, "of the MLP's layers", {.min = 1, .max = 65536});
  schema.Int("model.gin_id.hidden", 64, "width of GIN-ID's layers", {.min = 1, .max = 65536});
  schema.Int("model.network.hidden", 64, "width of the equivariant network", {.min = 1, .max = 65536});
  schema.Int("model.network.layers", 3, "of the equivariant network", {.min = 1, .max = 100});
  schema.Double("train.entropy_weight", 0.1, "of the soft permutations' entropy in the loss", {.min = 0});
  schema.String("data.path", "GRAPHSAT.pkl", "the published file of EXP's 1,200 graphs");
}

std::unique_ptr<Task> Make(const Config& config, Device device, Generator& generator, const ShareDone&) {
  GraphModelOptions options;
  options.base.n = kNodes;
  options.model = config.String("model.base");
  options.distribution = config.String("model.distribution");
  options.base.widths = config.IntList("model.mlp.widths");
  options.base.hidden = config.Int("model.gin_id.hidden");
  options.network.hidden = config.Int("model.network.hidden");
  options.network.layers = config.Int("model.network.layers");
  options.noise_scale = config.Double("model.noise_scale");
  options.soft_sort.tau = config.Double("model.tau");
  std::vector<Graph> graphs = ReadExp(UserPath(config.String("data.path")));
  Check(graphs.size() == 1200, config.String("data.path"), " has ", graphs.size(), " graphs; EXP has 1200");
  const bool fixed_noise = config.Bool("model.fixed_noise");
  Check(!fixed_noise || (options.distribution == "learned" && !IsTailored(options.model)),
        "model.fixed_noise is for learned distributions of a base function");
  return std::make_unique<ExpClassifyTask>(options, std::move(graphs), fixed_noise,
                                           config.Double("train.entropy_weight"), device, generator);
}

}  // namespace

TaskKind ExpClassifyTaskKind() {
  return {.name = "exp_classify",
          .help = "1,200 graphs in pairs that message passing cannot tell apart",
          .add_keys = AddKeys,
          .make = Make};
}

}  // namespace orbit
