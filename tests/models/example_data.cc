#include "tests/models/example_data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"

namespace orbit {

Features ExampleGraphs(DType dtype) {
  const auto undirected = [](std::vector<Edge> edges) {
    for (size_t e = 0, count = edges.size(); e < count; ++e) edges.push_back({edges[e].target, edges[e].source});
    return edges;
  };
  const EdgeLists edges =
      MakeEdgeLists(kExampleNodes, {undirected({{0, 1}, {1, 2}, {2, 3}, {3, 4}}),
                                    undirected({{0, 1}, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}}),
                                    undirected({{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 0}}),
                                    undirected({{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {2, 6}, {3, 6}})});
  const std::vector<int32_t> sizes = {5, 7, 6, 7};
  std::vector<float> nodes(4 * kExampleNodes * 2, 0.0f);
  for (int64_t g = 0; g < 4; ++g)
    for (int64_t i = 0; i < sizes[g]; ++i) {
      nodes[(g * kExampleNodes + i) * 2] = static_cast<float>(i % 2);
      nodes[(g * kExampleNodes + i) * 2 + 1] =
          static_cast<float>(edges.offsets.ToVector<int32_t>()[g * kExampleNodes + i + 1] -
                             edges.offsets.ToVector<int32_t>()[g * kExampleNodes + i]);
    }
  return MakeGraphFeatures(Tensor::From(nodes, {4, kExampleNodes, 2}).To(dtype), edges, Tensor::From(sizes, {4}));
}

GraphModelOptions ExampleGraphOptions(const std::string& base, const std::string& distribution) {
  GraphModelOptions options;
  options.base.n = kExampleNodes;
  options.model = base;
  options.distribution = distribution;
  options.base.widths = {24, 16};
  options.base.hidden = 12;
  options.network.hidden = 16;
  return options;
}

Features ExampleGraphsWithEdgeFeatures(DType dtype) {
  Features x = ExampleGraphs(dtype);
  Generator generator(21);
  x.edge_features = generator.Normal({x.edges.edges(), 3}, 0, 1, dtype);
  return x;
}

GraphImageModelOptions ExampleImageOptions(int output_order, const std::string& distribution) {
  GraphImageModelOptions options;
  options.transformer = {.width = 16, .layers = 2, .heads = 2, .hidden = 24, .grid = 2};
  options.image.n = kExampleNodes;
  options.image.node_channels = 2;
  options.image.edge_channels = 3;
  options.image.output_order = output_order;
  options.distribution = distribution;
  options.network = {.hidden = 16};
  return options;
}

ParticleBatch ExampleParticles(Generator& generator, DType dtype) {
  constexpr int64_t kBatch = 3, kNodes = 5;
  const Tensor nodes = generator.Normal({kBatch, kNodes, 3, 2}, 0, 1, dtype);
  // Symmetric in the pair, 0 on the diagonal, as products of charges and distances are.
  const std::vector<double> drawn = generator.Normal({kBatch, kNodes, kNodes, 2}, 0, 1, DType::kF64).ToVector<double>();
  std::vector<double> edges(drawn.size());
  for (int64_t b = 0; b < kBatch; ++b)
    for (int64_t i = 0; i < kNodes; ++i)
      for (int64_t j = 0; j < kNodes; ++j)
        for (int64_t c = 0; c < 2; ++c)
          if (i != j)
            edges[((b * kNodes + i) * kNodes + j) * 2 + c] =
                drawn[((b * kNodes + std::min(i, j)) * kNodes + std::max(i, j)) * 2 + c];
  return {nodes, Tensor::From(edges, {kBatch, kNodes, kNodes, 2}).To(dtype),
          generator.Normal({kBatch, kNodes, 3}, 0, 1, dtype), generator.Normal({kBatch, kNodes, 1}, 0, 1, dtype)};
}

Features ExampleVectors(const Group& group, Generator& generator, DType dtype) {
  constexpr int64_t kBatch = 3, kNodes = 5;
  const Form& form = group.matrix->form();
  const auto normal = [&](int64_t coordinates) -> Variable {
    return generator.Normal({kBatch, kNodes, coordinates, 1}, 0, 1, dtype);
  };
  Variable vectors = normal(form.dimension());
  if (form.negative > 0) {
    const Variable p = Slice(vectors, 2, 1, form.dimension());
    vectors = Concat({Sqrt(AddScalar(Sum(Square(p), {2}, /*keepdim=*/true), 0.3)), p}, 2);
  }
  if (group.translations) vectors = Concat({normal(form.dimension()), vectors}, -1);
  return {.features = {{vectors, Representation::Vectors(1, group.translations ? 1 : 0)},
                       {generator.Normal({kBatch, kNodes, 1}, 0, 1, dtype), Representation::Scalars(1)}}};
}

std::unique_ptr<InnerProductNetwork> ExampleVectorNetwork(const Group& group, Generator& generator) {
  const InnerProductNetworkOptions options{.vectors = group.translations ? 2 : 1, .scalars = 1, .hidden = 16};
  return std::make_unique<InnerProductNetwork>(group, options, generator);
}

double LargestDifference(const Variable& a, const Variable& b) {
  EXPECT_EQ(a.shape(), b.shape());
  const std::vector<double> x = a.value().ToVector<double>(), y = b.value().ToVector<double>();
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

}  // namespace orbit
