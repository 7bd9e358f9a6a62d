// Five graphs whose automorphisms are known, on which a symmetrized model must treat equivalent nodes alike.
//
// Kim et al. 2023, appendix on inner-symmetric inputs: canonicalization must break such symmetries, an expectation over
// an equivariant distribution keeps them.
#ifndef ORBIT_DATA_GRAPH_INNER_SYMMETRIC_H_
#define ORBIT_DATA_GRAPH_INNER_SYMMETRIC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "data/graph/graphs.h"

namespace orbit {

struct InnerSymmetricGraph {
  std::string name;             // "star"
  std::string automorphisms;    // the group, "S6"
  int64_t order = 1;            // its number of elements
  Graph graph;                  // unlabelled, without self-loops
  std::vector<int32_t> orbits;  // [n]: the orbit of each node; orbits are numbered from 0 by their first nodes
};

// In this order: "asymmetric", the tree of seven nodes without symmetry (the smallest there is; trivial group);
// "star", K_{1,6} (S6); "two_hubs", hubs with three and with two leaves, joined (S3 x S2); "cycle" of seven nodes (D7);
// "grid", 5 x 5 (D4).
std::vector<InnerSymmetricGraph> InnerSymmetricGraphs();

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_INNER_SYMMETRIC_H_
