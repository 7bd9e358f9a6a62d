// The distribution over the permutations of a graph's nodes that models on graphs have in common.
#ifndef ORBIT_MODELS_GRAPH_DISTRIBUTION_H_
#define ORBIT_MODELS_GRAPH_DISTRIBUTION_H_

#include <memory>
#include <string>

#include "groups/distribution.h"
#include "models/gin.h"

namespace orbit {

struct GraphDistributionOptions {
  std::string distribution = "learned";  // learned, haar, frame, minimal_frame or canonical
  GinOptions network;                    // of learned and canonical ones; its channels are those of the nodes
  double noise_scale = 1;
  SoftSortOptions soft_sort{.tau = 0.01};
  double score_jitter = 1e-6;
};

// For graphs whose nodes have so many channels. Throws Error for an unknown distribution.
std::unique_ptr<Distribution> MakeGraphDistribution(const GraphDistributionOptions& options, int64_t channels,
                                                    Generator& generator);

}  // namespace orbit

#endif  // ORBIT_MODELS_GRAPH_DISTRIBUTION_H_
