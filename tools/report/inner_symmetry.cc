#include "tools/report/inner_symmetry.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/graph_model.h"

namespace orbit {
namespace {

// The standard error of the mean over samples of a_i - b_i.
double StandardError(const NodeOutputs& outputs, size_t a, size_t b) {
  const auto k = static_cast<double>(outputs.samples.size());
  const double mean = outputs.mean[a] - outputs.mean[b];
  double squares = 0;
  for (const std::vector<double>& sample : outputs.samples) squares += std::pow(sample[a] - sample[b] - mean, 2);
  return std::sqrt(squares / (k - 1) / k);
}

}  // namespace

std::vector<NodeOutputs> ComputeNodeOutputs(const std::vector<InnerSymmetricGraph>& graphs,
                                            const std::string& distribution, int64_t samples, uint64_t seed,
                                            Device device) {
  const NoGrad no_grad;
  std::vector<Graph> all;
  for (const InnerSymmetricGraph& graph : graphs) all.push_back(graph.graph);
  const int64_t n = LargestGraph(all);
  GraphModelOptions options;
  options.distribution = distribution;
  options.base = {.n = n,
                  .node_features = false,
                  .head = {.embedding = n, .outputs = 0, .activate_embedding = false},
                  .output_order = 1};
  Generator generator(seed);
  const std::unique_ptr<Model> model = MakeGraphModel(options, generator);
  model->To(device);
  model->Eval();

  std::vector<int64_t> numbers(all.size());
  std::iota(numbers.begin(), numbers.end(), 0);
  const GraphBatch batch = MakeGraphBatch(all, numbers, n).To(device);
  const Features x = MakeGraphFeatures(batch.nodes, batch.edges, batch.num_nodes);
  const int64_t k = distribution == "canonical" ? 1 : samples;
  const Model::Result result = (*model)(x, k, generator);
  const Variable moved = result.element.Act(model->output_representation(), result.samples);
  const std::vector<float> by_node = moved.value().ToVector<float>();

  std::vector<NodeOutputs> outputs(all.size());
  for (size_t g = 0; g < all.size(); ++g) {
    outputs[g].mean.resize(all[g].n);
    for (int64_t s = 0; s < k; ++s) {
      const float* values = &by_node[(g * k + s) * n];
      outputs[g].samples.emplace_back(values, values + all[g].n);
      for (int64_t i = 0; i < all[g].n; ++i) outputs[g].mean[i] += values[i] / static_cast<double>(k);
    }
  }
  return outputs;
}

OrbitDifference DifferenceWithinOrbits(const NodeOutputs& outputs, const std::vector<int32_t>& orbits) {
  OrbitDifference difference;
  for (size_t a = 0; a < orbits.size(); ++a)
    for (size_t b = 0; b < a; ++b) {
      if (orbits[a] != orbits[b]) continue;
      const double apart = std::abs(outputs.mean[a] - outputs.mean[b]);
      difference.largest = std::max(difference.largest, apart);
      if (outputs.samples.size() > 1)
        difference.in_errors = std::max(difference.in_errors, apart / StandardError(outputs, a, b));
    }
  return difference;
}

}  // namespace orbit
