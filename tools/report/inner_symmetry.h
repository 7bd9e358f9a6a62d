// Whether models treat equivalent nodes alike: node outputs of a symmetrized MLP on graphs with symmetries.
//
// Probabilistic symmetrization does, up to the error of its samples. A canonical order breaks a graph's symmetry, so it
// cannot. Kim et al. 2023, section 3.1 and appendix.
#ifndef ORBIT_TOOLS_REPORT_INNER_SYMMETRY_H_
#define ORBIT_TOOLS_REPORT_INNER_SYMMETRY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "data/graph/inner_symmetric.h"
#include "engine/device.h"

namespace orbit {

struct NodeOutputs {
  std::vector<std::vector<double>> samples;  // [samples][n]: g . f(g^-1 . x) per sample
  std::vector<double> mean;                  // [n]: the model's output
};

// The outputs for every graph, padded to the largest one. f is an MLP with ReLU on the flattened permuted adjacency
// matrix, n^2 - 2048 - 4096 - 2048 - n, and g is drawn by `distribution` (groups/distribution.h). The seed determines
// the samples and the initialisation, which is the same for all distributions. `canonical` always has one sample.
std::vector<NodeOutputs> ComputeNodeOutputs(const std::vector<InnerSymmetricGraph>& graphs,
                                            const std::string& distribution, int64_t samples, uint64_t seed,
                                            Device device = {});

struct OrbitDifference {
  double largest = 0;    // largest difference of outputs between two nodes of an orbit
  double in_errors = 0;  // largest difference in units of its standard error, if there are samples
};

// Both are 0 if no orbit has two nodes.
OrbitDifference DifferenceWithinOrbits(const NodeOutputs& outputs, const std::vector<int32_t>& orbits);

}  // namespace orbit

#endif  // ORBIT_TOOLS_REPORT_INNER_SYMMETRY_H_
