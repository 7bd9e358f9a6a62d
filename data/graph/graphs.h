// Graphs, and batches of them.
#ifndef ORBIT_DATA_GRAPH_GRAPHS_H_
#define ORBIT_DATA_GRAPH_GRAPHS_H_

#include <string>
#include <vector>

#include "engine/edge_lists.h"

namespace orbit {

struct Graph {
  int64_t n = 0;
  std::vector<Edge> edges;    // both directions of an undirected edge
  std::vector<float> labels;  // of the nodes, [n, channels]; empty: all 1
  int64_t target = 0;         // the graph's class
};

// What models see of graphs padded to n nodes each.
struct GraphBatch {
  Tensor nodes;      // f32 [graphs, n, channels + 1]: labels, degree; 0 for padding
  Tensor num_nodes;  // i32 [graphs]
  EdgeLists edges;
  Tensor targets;  // f32 [graphs, 1]

  GraphBatch To(Device device) const;
};

// Throws Error, naming the graph by its number in the data set, where one has more than n nodes or other than
// `channels` labels a node.
GraphBatch MakeGraphBatch(const std::vector<Graph>& graphs, const std::vector<int64_t>& numbers, int64_t n,
                          int64_t channels = 1);

int64_t LargestGraph(const std::vector<Graph>& graphs);  // nodes

bool EdgeBefore(const Edge& a, const Edge& b);  // by target, then source

// Adjacency is 0 or 1: sorts the edges and merges those that come more than once. Self-loops stay.
void MergeEdges(Graph& graph);

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_GRAPHS_H_
