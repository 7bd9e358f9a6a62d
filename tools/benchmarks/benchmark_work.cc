#include "tools/benchmarks/benchmark_work.h"

#include "engine/optim/adam.h"
#include "engine/random.h"
#include "models/graph_model.h"

namespace orbit {
namespace {

// Undirected graphs with `smallest` to n nodes and this share of all possible edges.
struct RandomEdges {
  int64_t n;
  std::vector<std::vector<Edge>> edges;
  std::vector<int32_t> sizes;
  std::vector<float> labels;  // [graphs, n], in [0, 1)

  RandomEdges(int64_t graphs, int64_t smallest, int64_t n, float density) : n(n), edges(graphs) {
    Generator generator(2);
    for (int64_t g = 0; g < graphs; ++g) {
      const std::vector<float> drawn = generator.Uniform({n * n + n + 1}, 0, 1).ToVector<float>();
      sizes.push_back(
          static_cast<int32_t>(smallest + static_cast<int64_t>(drawn.back() * static_cast<float>(n + 1 - smallest))));
      labels.insert(labels.end(), drawn.begin() + n * n, drawn.end() - 1);
      for (int32_t i = 0; i < sizes[g]; ++i)
        for (int32_t j = 0; j < i; ++j) {
          if (drawn[i * n + j] >= density) continue;
          edges[g].push_back({i, j});
          edges[g].push_back({j, i});
        }
    }
  }

  // The batch with these features of nodes.
  Features With(const std::vector<float>& nodes, int64_t channels) const {
    const auto graphs = static_cast<int64_t>(edges.size());
    return MakeGraphFeatures(Tensor::From(nodes, {graphs, n, channels}, TheDevice()),
                             MakeEdgeLists(n, edges).To(TheDevice()), Tensor::From(sizes, {graphs}, TheDevice()));
  }
};

}  // namespace

Device& TheDevice() {
  static Device device;
  return device;
}

Tensor Normal(const Shape& shape) {
  static Generator generator(1);
  return generator.Normal(shape, 0, 1, DType::kF32, TheDevice());
}

Tensor Counts(int64_t graphs, int64_t n) {
  return Tensor::Full({graphs}, static_cast<double>(n), DType::kI32, TheDevice());
}

Tensor RandomRows(int64_t count, int64_t rows) {
  Generator generator(3);
  const std::vector<double> drawn =
      generator.Uniform({count}, 0, static_cast<double>(rows), DType::kF64).ToVector<double>();
  return Tensor::From(std::vector<int64_t>(drawn.begin(), drawn.end()), {count}, TheDevice());
}

Features RandomGraphs(int64_t graphs, int64_t n) {
  const RandomEdges drawn(graphs, 33, n, 0.08f);
  std::vector<float> nodes(graphs * n * 2, 0.0f);
  for (int64_t g = 0; g < graphs; ++g) {
    for (int64_t i = 0; i < drawn.sizes[g]; ++i) nodes[(g * n + i) * 2] = drawn.labels[g * n + i] < 0.5f ? 0.0f : 1.0f;
    for (const Edge& edge : drawn.edges[g]) nodes[(g * n + edge.target) * 2 + 1] += 1;
  }
  return drawn.With(nodes, 2);
}

Features RandomLabelledGraphs(int64_t graphs, int64_t n, double density, int64_t labels) {
  const RandomEdges drawn(graphs, n / 4, n, static_cast<float>(density));
  std::vector<float> nodes(graphs * n * labels, 0.0f);
  for (int64_t g = 0; g < graphs; ++g)
    for (int64_t i = 0; i < drawn.sizes[g]; ++i)
      nodes[(g * n + i) * labels + static_cast<int64_t>(drawn.labels[g * n + i] * static_cast<float>(labels))] = 1;
  return drawn.With(nodes, labels);
}

BenchmarkWork Forward(std::function<Variable()> operation) {
  return [operation = std::move(operation)] {
    const NoGrad no_grad;
    operation();
  };
}

BenchmarkWork BothWays(std::vector<Variable> inputs, std::function<Variable()> operation) {
  const Variable result = operation();
  const Tensor gradient = Normal(result.shape()).To(result.dtype());
  return [=, inputs = std::move(inputs), operation = std::move(operation)] {
    for (const Variable& input : inputs) input.ZeroGrad();
    operation().Backward(gradient);
  };
}

BenchmarkWork TrainingOf(std::shared_ptr<nn::Module> model, int64_t rows, std::shared_ptr<Generator> generator,
                         std::function<std::vector<LossPart>(Generator&)> loss, TrainingStepOptions options) {
  model->To(TheDevice());
  auto optimizer = std::make_shared<optim::Adam>(model->NamedParameters());
  const auto forward = [loss = std::move(loss)](const std::vector<Tensor>&, const Span&, Generator& generator) {
    return loss(generator);
  };
  auto step = std::make_shared<TrainingStep>(*optimizer, forward, options);
  const auto run = [=] { step->Run({Tensor::Zeros({rows})}, 1e-4, *generator); };
  for (int i = 0; options.capture && i <= StepGraph::kWarmUp; ++i) run();
  return [model, optimizer, run] { run(); };
}

}  // namespace orbit
