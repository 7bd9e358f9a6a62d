#include "data/particles/particles.h"

#include <vector>

namespace orbit {

ParticleExamples MakeExamples(const ParticleFrames& frames) {
  const int64_t count = frames.count(), n = frames.positions.dim(1), dimensions = frames.positions.dim(2);
  const std::vector<double> positions = frames.positions.ToVector<double>();
  const std::vector<double> velocities = frames.velocities.ToVector<double>();
  const std::vector<double> charges =
      frames.charges.defined() ? frames.charges.ToVector<double>() : std::vector<double>(count * n, 0);
  const std::vector<double> couplings =
      frames.couplings.defined() ? frames.couplings.ToVector<double>() : std::vector<double>();
  std::vector<float> nodes(2 * positions.size()), edges(count * n * n * 2);
  for (size_t i = 0; i < positions.size(); ++i) {
    nodes[2 * i] = static_cast<float>(positions[i]);
    nodes[2 * i + 1] = static_cast<float>(velocities[i]);
  }
  for (int64_t t = 0; t < count; ++t)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) {
        if (i == j) continue;
        double square = 0;
        for (int64_t d = 0; d < dimensions; ++d) {
          const double difference = positions[(t * n + i) * dimensions + d] - positions[(t * n + j) * dimensions + d];
          square += difference * difference;
        }
        const int64_t pair = (t * n + i) * n + j;
        edges[2 * pair] =
            static_cast<float>(couplings.empty() ? charges[t * n + i] * charges[t * n + j] : couplings[pair]);
        edges[2 * pair + 1] = static_cast<float>(square);
      }
  return {.nodes = Tensor::From(nodes, {count, n, dimensions, 2}),
          .edges = Tensor::From(edges, {count, n, n, 2}),
          .target = frames.targets.defined() ? frames.targets.To(DType::kF32) : Tensor(),
          .charges = Tensor::From(std::vector<float>(charges.begin(), charges.end()), {count, n, 1})};
}

}  // namespace orbit
