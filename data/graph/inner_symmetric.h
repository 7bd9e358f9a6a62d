// Five graphs with known automorphisms, on which a symmetrized model must treat equivalent nodes alike.
//
// Kim et al. 2023, appendix on inner-symmetric inputs: canonicalization must break such symmetries, whereas an
// expectation over an equivariant distribution preserves them.
#ifndef ORBIT_DATA_GRAPH_INNER_SYMMETRIC_H_
#define ORBIT_DATA_GRAPH_INNER_SYMMETRIC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "data/graph/graphs.h"

namespace orbit {

struct InnerSymmetricGraph {
  std::string name;           // such as "star"
  std::string automorphisms;  // the group, such as "S6"
  int64_t order = 1;          // number of automorphisms
  Graph graph;                // unlabelled, without self-loops
  // [n]: the orbit of each node; orbits are numbered from 0 in the order of their first nodes
  std::vector<int32_t> orbits;
};

// In this order: "asymmetric", the smallest tree without symmetries, with seven nodes (trivial group); "star", K_{1,6}
// (S6); "two_hubs", two joined hubs with three and two leaves (S3 x S2); "cycle" of seven nodes (D7); "grid", 5 x 5
// (D4).
std::vector<InnerSymmetricGraph> InnerSymmetricGraphs();

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_INNER_SYMMETRIC_H_
