// The data sets of graph separation.
#ifndef ORBIT_DATA_GRAPH_GRAPH_SETS_H_
#define ORBIT_DATA_GRAPH_GRAPH_SETS_H_

#include <string>
#include <vector>

#include "data/graph/graphs.h"

namespace orbit {

// The 11,117 connected graphs with 8 nodes, enumerated by nauty-geng. Throws Error if it is not installed or fails.
std::vector<Graph> EnumerateGraph8c();

// EXP (Abboud et al., IJCAI 2021) from the published GRAPHSAT.pkl: 1,200 planar graphs with binary node labels. Graphs
// 2i and 2i + 1 are a pair that message passing cannot distinguish; one of them is satisfiable (the target). Also reads
// any other file of such graphs that data/io/pickled_graphs.h reads, with x [nodes, 1], edge_index [2, edges] and one
// class y per graph. Throws Error with the file and the fault, which may also be an odd number of graphs.
std::vector<Graph> ReadExp(const std::string& path);

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_GRAPH_SETS_H_
