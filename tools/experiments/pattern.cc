#include "tools/experiments/pattern.h"

#include <algorithm>
#include <utility>

#include "data/graph/pattern.h"
#include "models/graph_model.h"
#include "tools/common/path.h"
#include "tools/experiments/graph_image_experiment.h"
#include "tools/experiments/losses.h"
#include "tools/metrics/class_accuracy.h"

namespace orbit {
namespace {

constexpr int64_t kEvaluationBatch = 128;  // graphs, as published: losses and accuracies are means over such batches

// Edges are pixels of a graph's image, words further channels of its diagonal; outputs are read on the diagonal.
GraphImageOptions Image() {
  return {.n = kLargestPatternGraph,
          .node_channels = kPatternWords,
          .edge_channels = 1,
          .nodes_on_diagonal = true,
          .output_order = 2,
          .outputs = kPatternClasses};
}

class PatternExperiment : public GraphImageExperiment {
 public:
  PatternExperiment(const Config& config, Device device, PatternData data, Generator& generator)
      : GraphImageExperiment(config, device, Image(), /*diagonal=*/true, generator), data_(std::move(data)) {}

  std::string Describe() const override { return "graphs with patterns: " + DescribeSizes(*this); }
  std::string DescribePredictions() const override {
    return "predictions [graph, " + std::to_string(n()) +
           ", 2]: logits of being outside and inside of the pattern, for "
           "every node";
  }

  Batch Load(Split split, const Tensor& examples) const override {
    const std::vector<int64_t> all = NumbersOf(split, examples);
    const PatternBatch batch = MakePatternBatch(data_.graphs, all, n());
    return {.x = MakeGraphFeatures(batch.nodes, batch.edges, batch.num_nodes), .target = batch.classes, .numbers = all};
  }

  // The nodes of both classes.
  std::vector<double> Counts(Split split, const Tensor& examples) const override {
    std::vector<double> counts(kPatternClasses);
    for (const int64_t number : NumbersOf(split, examples))
      for (const uint8_t c : data_.graphs.classes(number)) ++counts[c];
    return counts;
  }

  std::vector<LossPart> Loss(const Variable& prediction, const Tensor& target, const WholeBatch& whole) const override {
    return {BalancedCrossEntropy(prediction, target, whole.counts)};
  }

  int64_t evaluation_batch() const override { return kEvaluationBatch; }
  std::string metric() const override { return "accuracy"; }
  bool more_is_better() const override { return true; }
  Metrics Measure(const Tensor& predictions, const Tensor& targets) const override {
    return {{metric(), ClassAccuracy(predictions, targets, kEvaluationBatch)}};
  }

 private:
  const std::vector<int64_t>& numbers(Split split) const override { return data_.splits[static_cast<size_t>(split)]; }

  PatternData data_;
};

void AddKeys(ConfigSchema& schema) {
  AddGraphImageKeys(schema);
  schema.String("data.path", "", "the folder of the published files; empty: graphs are drawn, as below");
  schema.Int("data.patterns", 100, "", {.min = 1});
  schema.Int("data.train", 100, "graphs with every pattern to train on", {.min = 1});
  schema.Int("data.valid", 20, "graphs with every pattern to validate on", {.min = 0});
  schema.Int("data.test", 20, "graphs with every pattern to test on", {.min = 1});
  schema.Int("data.seed", 0, "of the graphs", {.min = 0});
}

std::unique_ptr<Experiment> Make(const ExperimentInputs& inputs) {
  Config& config = inputs.config;
  Check(inputs.new_data.empty(), "the task pattern has its graphs, and no others");
  if (!config.String("data.path").empty())  // a run may be gone on with from elsewhere
    config.SetString("data.path", UserPath(config.String("data.path")));
  PatternData data =
      config.String("data.path").empty()
          ? GeneratePattern({.patterns = config.Int("data.patterns"),
                             .graphs = {config.Int("data.train"), config.Int("data.valid"), config.Int("data.test")},
                             .seed = config.Int("data.seed")},
                            inputs.progress)
          : ReadPattern(config.String("data.path"), inputs.progress);
  return std::make_unique<PatternExperiment>(config, inputs.device, std::move(data), inputs.generator);
}

}  // namespace

ExperimentKind PatternKind() {
  return {.name = "pattern",
          .help = "which nodes of a random graph belong to a planted pattern, by a vision transformer",
          .add_keys = AddKeys,
          .make = Make};
}

}  // namespace orbit
