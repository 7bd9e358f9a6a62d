// The data sets of graph separation.
#ifndef ORBIT_DATA_GRAPH_GRAPH_SETS_H_
#define ORBIT_DATA_GRAPH_GRAPH_SETS_H_

#include <string>
#include <vector>

#include "data/graph/graphs.h"

namespace orbit {

// The 11,117 connected graphs on 8 nodes, as nauty-geng writes them. Throws Error where it is not installed or fails.
std::vector<Graph> EnumerateGraph8c();

// EXP (Abboud et al., IJCAI 2021) from the published GRAPHSAT.pkl: 1,200 planar graphs with binary node labels, 2i and
// 2i + 1 a pair that message passing cannot tell apart, one of them satisfiable (the target); or from any file of such
// graphs that data/io/pickled_graphs.h reads, with x [nodes, 1], edge_index [2, edges] and y of one class each. Throws
// Error with the file and what is wrong with it, an odd number of graphs too.
std::vector<Graph> ReadExp(const std::string& path);

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_GRAPH_SETS_H_
