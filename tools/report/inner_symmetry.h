// Do models treat equivalent nodes alike? Node outputs of a symmetrized MLP on graphs with symmetries.
//
// Probabilistic symmetrization does, up to the error of its samples; a canonical order must break the symmetry of a
// graph and so cannot. Kim et al. 2023, section 3.1 and appendix.
#ifndef ORBIT_TOOLS_REPORT_INNER_SYMMETRY_H_
#define ORBIT_TOOLS_REPORT_INNER_SYMMETRY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "data/graph/inner_symmetric.h"
#include "engine/device.h"

namespace orbit {

struct NodeOutputs {
  std::vector<std::vector<double>> samples;  // [samples][n]: g . f(g^-1 . x) of each
  std::vector<double> mean;                  // [n]: the model's output
};

// Of every graph, padded to the largest: f is an MLP with relu on the flattened permuted adjacency, n^2 - 2048 - 4096 -
// 2048 - n, and g drawn by `distribution` (groups/distribution.h). The seed decides the initialisation, which is the
// same for all distributions, and the samples. `canonical` has one sample whatever is asked for.
std::vector<NodeOutputs> ComputeNodeOutputs(const std::vector<InnerSymmetricGraph>& graphs,
                                            const std::string& distribution, int64_t samples, uint64_t seed,
                                            Device device = {});

struct OrbitDifference {
  double largest = 0;    // of the outputs' differences between two nodes of an orbit
  double in_errors = 0;  // the largest difference over its own standard error, where there are samples to tell
};

// 0 where no orbit has two nodes.
OrbitDifference DifferenceWithinOrbits(const NodeOutputs& outputs, const std::vector<int32_t>& orbits);

}  // namespace orbit

#endif  // ORBIT_TOOLS_REPORT_INNER_SYMMETRY_H_
