#include "tools/benchmarks/benchmark_work.h"

#include "engine/optim/adam.h"
#include "engine/random.h"
#include "models/graph_model.h"

namespace orbit {

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
  constexpr float kDensity = 0.08f;
  Generator generator(2);
  std::vector<std::vector<Edge>> edges(graphs);
  std::vector<int32_t> sizes(graphs);
  std::vector<float> nodes(graphs * n * 2, 0.0f);
  for (int64_t g = 0; g < graphs; ++g) {
    const std::vector<float> drawn = generator.Uniform({n * n + n + 1}, 0, 1).ToVector<float>();
    sizes[g] = static_cast<int32_t>(33 + static_cast<int64_t>(drawn.back() * static_cast<float>(n - 32)));
    for (int32_t i = 0; i < sizes[g]; ++i) {
      nodes[(g * n + i) * 2] = drawn[n * n + i] < 0.5f ? 0.0f : 1.0f;
      for (int32_t j = 0; j < i; ++j) {
        if (drawn[i * n + j] >= kDensity) continue;
        edges[g].push_back({i, j});
        edges[g].push_back({j, i});
        for (const int32_t node : {i, j}) nodes[(g * n + node) * 2 + 1] += 1;
      }
    }
  }
  return MakeGraphFeatures(Tensor::From(nodes, {graphs, n, 2}, TheDevice()), MakeEdgeLists(n, edges).To(TheDevice()),
                           Tensor::From(sizes, {graphs}, TheDevice()));
}

Work Forward(std::function<Variable()> operation) {
  return [operation = std::move(operation)] {
    const NoGrad no_grad;
    operation();
  };
}

Work BothWays(std::vector<Variable> inputs, std::function<Variable()> operation) {
  const Variable result = operation();
  const Tensor gradient = Normal(result.shape()).To(result.dtype());
  return [=, inputs = std::move(inputs), operation = std::move(operation)] {
    for (const Variable& input : inputs) input.ZeroGrad();
    operation().Backward(gradient);
  };
}

Work TrainingOf(std::shared_ptr<nn::Module> model, int64_t rows, std::shared_ptr<Generator> generator,
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
