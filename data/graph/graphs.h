// Graphs, and batches of them.
#ifndef ORBIT_DATA_GRAPH_GRAPHS_H_
#define ORBIT_DATA_GRAPH_GRAPHS_H_

#include <string>
#include <vector>

#include "engine/edge_lists.h"

namespace orbit {

struct Graph {
  int64_t n = 0;
  std::vector<Edge> edges;    // undirected edges appear in both directions
  std::vector<float> labels;  // of the nodes, [n, channels]; empty: all 1
  int64_t target = 0;         // the graph's class
};

// The model's input for graphs that are padded to n nodes each.
struct GraphBatch {
  Tensor nodes;      // f32 [graphs, n, channels + 1]: labels, degree; 0 for padding
  Tensor num_nodes;  // i32 [graphs]
  EdgeLists edges;
  Tensor targets;  // f32 [graphs, 1]

  GraphBatch To(Device device) const;
};

// Throws Error, with the graph's number in the data set, if a graph has more than n nodes or not `channels` labels per
// node.
GraphBatch MakeGraphBatch(const std::vector<Graph>& graphs, const std::vector<int64_t>& numbers, int64_t n,
                          int64_t channels = 1);

int64_t LargestGraph(const std::vector<Graph>& graphs);  // number of nodes

bool EdgeBefore(const Edge& a, const Edge& b);  // orders by target, then source

// Sorts the edges and merges repeated ones, because adjacency is 0 or 1. Keeps self-loops.
void MergeEdges(Graph& graph);

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_GRAPHS_H_
