// Which graphs are the same up to the numbering of their nodes.
#ifndef ORBIT_DATA_GRAPH_ISOMORPHISM_H_
#define ORBIT_DATA_GRAPH_ISOMORPHISM_H_

#include <vector>

#include "data/graph/graphs.h"

namespace orbit {

// For every graph the number of the first one that is isomorphic to it: directions, self-loops and labels count,
// targets do not. By the canonical forms of nauty (McKay and Piperno, Practical graph isomorphism II, 2014).
std::vector<int64_t> IsomorphismClasses(const std::vector<Graph>& graphs);

// The graph whose node numbers[i] is the given one's node i.
Graph Renumber(const Graph& graph, const std::vector<int32_t>& numbers);

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_ISOMORPHISM_H_
