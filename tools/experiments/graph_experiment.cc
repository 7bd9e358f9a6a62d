#include "tools/experiments/graph_experiment.h"

#include <algorithm>
#include <utility>

#include "engine/ops/loss.h"
#include "engine/ops/shape.h"
#include "models/graph_model.h"

namespace orbit {
namespace {

constexpr uint64_t kFixedNoiseSeed = 0;
constexpr int64_t kNodesAtOnce = 64000;  // of graphs times samples that go through the model at once in evaluation

GraphModelOptions ModelOptions(const Config& config, const GraphData& data) {
  GraphModelOptions options;
  options.model = config.String("model.base");
  options.distribution = config.String("model.distribution");
  options.base.n = data.n;
  options.base.channels = data.channels + 1;  // the degree
  options.base.widths = config.IntList("model.mlp.widths");
  options.base.hidden = config.Int("model.gin_id.hidden");
  options.base.head.outputs = data.outputs;
  options.base.head.embedding = std::max(options.base.head.embedding, data.outputs);
  options.network.hidden = config.Int("model.network.hidden");
  options.network.layers = config.Int("model.network.layers");
  options.noise_scale = config.Double("model.noise_scale");
  options.soft_sort.tau = config.Double("model.tau");
  Check(!config.Bool("model.fixed_noise") || (options.distribution == "learned" && !IsTailored(options.model)),
        "model.fixed_noise is for learned distributions of a base function");
  return options;
}

// The place of the largest of each row.
std::vector<int64_t> LargestPlaces(const Tensor& rows) {
  const std::vector<float> values = rows.ToVector<float>();
  const int64_t width = rows.dim(1);
  std::vector<int64_t> places;
  for (auto row = values.begin(); row != values.end(); row += width)
    places.push_back(std::max_element(row, row + width) - row);
  return places;
}

class GraphExperiment : public Experiment {
 public:
  GraphExperiment(const Config& config, Device device, GraphData data, Generator& generator)
      : Experiment(MakeGraphModel(ModelOptions(config, data), generator), config, device),
        data_(std::move(data)),
        fixed_noise_(config.Bool("model.fixed_noise")) {
    Check(!fixed_noise_ || config.String("train.shard") != "samples",
          "model.fixed_noise: the samples of a graph are drawn together; train.shard=examples divides graphs");
  }

  std::string Describe() const override {
    std::string counts;
    for (const Split split : kSplits)
      counts += (counts.empty() ? "" : ", ") + std::to_string(size(split)) + " to " + NameOf(split);
    return data_.description + ": " + counts;
  }

  std::string DescribePredictions() const override {
    return "predictions [graph, " + std::to_string(data_.outputs) + "]: " + data_.predictions;
  }

  int64_t size(Split split) const override { return static_cast<int64_t>(numbers(split).size()); }

  Batch Load(Split split, const Tensor& examples) const override {
    std::vector<int64_t> all = examples.ToVector<int64_t>();
    for (int64_t& number : all) number = numbers(split).at(number);
    const GraphBatch batch = MakeGraphBatch(data_.graphs, all, data_.n, data_.channels);
    const int64_t width = data_.loss == GraphLoss::kClasses ? 1 : data_.outputs;
    std::vector<float> targets;
    for (const int64_t number : all) {
      if (data_.targets.empty()) break;
      const auto first = data_.targets.begin() + number * width;
      targets.insert(targets.end(), first, first + width);
    }
    Tensor target = targets.empty() ? Tensor() : Tensor::From(targets, {examples.dim(0), width});
    if (target.defined() && data_.loss == GraphLoss::kClasses) target = target.To(DType::kI64);
    return {.x = MakeGraphFeatures(batch.nodes, batch.edges, batch.num_nodes), .target = target, .numbers = all};
  }

  Variable Prediction(const Variable& output) const override { return output; }

  std::vector<LossPart> Loss(const Variable& prediction, const Tensor& target, const WholeBatch& whole) const override {
    const auto count = static_cast<double>(whole.examples);
    switch (data_.loss) {
      case GraphLoss::kBinary:
        return {{.name = "bce",
                 .sum = BceWithLogitsLoss(prediction, target, Reduction::kSum),
                 .denominator = count * static_cast<double>(data_.outputs)}};
      case GraphLoss::kClasses:
        return {{.name = "cross_entropy",
                 .sum = CrossEntropyLoss(prediction, target.Reshape({target.dim(0)}), Reduction::kSum),
                 .denominator = count}};
      case GraphLoss::kValues:
        return {{.name = "mse",
                 .sum = MseLoss(prediction, target, Reduction::kSum),
                 .denominator = count * static_cast<double>(data_.outputs)}};
    }
    Fail("no such loss");
  }

  std::string metric() const override { return data_.loss == GraphLoss::kValues ? "mae" : "accuracy"; }

  bool more_is_better() const override { return data_.loss != GraphLoss::kValues; }

  Metrics Measure(const Tensor& predictions, const Tensor& targets) const override {
    if (data_.loss == GraphLoss::kValues) return {{metric(), L1Loss(predictions, targets).value().Item()}};
    int64_t correct = 0, all = 0;
    const auto compare = [&](const auto& predicted, const auto& known) {
      for (size_t i = 0; i < predicted.size(); ++i) correct += predicted[i] == known[i];
      all = static_cast<int64_t>(predicted.size());
    };
    if (data_.loss == GraphLoss::kClasses) {
      compare(LargestPlaces(predictions), targets.ToVector<int64_t>());
    } else {
      std::vector<bool> predicted, known;
      for (const float logit : predictions.ToVector<float>()) predicted.push_back(logit > 0);
      for (const float target : targets.ToVector<float>()) known.push_back(target > 0.5f);
      compare(predicted, known);
    }
    return {{metric(), 100 * static_cast<double>(correct) / static_cast<double>(all)}};
  }

  Noise DrawNoise(const Batch& batch, int64_t samples, Generator& generator) const override {
    if (!fixed_noise_) return Experiment::DrawNoise(batch, samples, generator);
    // The same for a graph whenever it comes: drawn by its number in the data set.
    Noise noise{.samples = samples};
    std::vector<Variable> network, scores;
    for (size_t i = 0; i < batch.numbers.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      Generator fixed =
          Generator(kFixedNoiseSeed).WithRows({batch.numbers[i], 1, static_cast<int64_t>(data_.graphs.size())});
      const Features graph = MakeGraphFeatures(Slice(batch.x.features[0].value, 0, row, row + 1).value(), {}, {});
      const Noise drawn = model().DrawNoise(graph, samples, fixed);
      network.emplace_back(drawn.network);
      scores.emplace_back(drawn.scores);
    }
    noise.network = Concat(network, 0).value();
    noise.scores = Concat(scores, 0).value();
    return noise;
  }

  int64_t rows_at_once() const override { return std::max<int64_t>(1, kNodesAtOnce / data_.n); }

 private:
  // The numbers in the data set of the examples of a split.
  const std::vector<int64_t>& numbers(Split split) const { return data_.splits[static_cast<size_t>(split)]; }

  GraphData data_;
  bool fixed_noise_;
};

}  // namespace

void AddGraphModelKeys(ConfigSchema& schema) {
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
}

std::unique_ptr<Experiment> MakeGraphExperiment(const Config& config, Device device, GraphData data,
                                                Generator& generator) {
  return std::make_unique<GraphExperiment>(config, device, std::move(data), generator);
}

}  // namespace orbit
