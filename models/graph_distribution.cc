#include "models/graph_distribution.h"

namespace orbit {

std::unique_ptr<Distribution> MakeGraphDistribution(const GraphDistributionOptions& options, int64_t channels,
                                                    Generator& generator) {
  GinOptions network = options.network;
  network.channels = channels;
  return MakeDistribution(
      options.distribution,
      {.group = ParseGroup("Sn"), .soft_sort = options.soft_sort, .score_jitter = options.score_jitter},
      std::make_unique<GraphNetwork>(network, options.noise_scale, generator));
}

}  // namespace orbit
