// The edges of a batch of small graphs, in compressed sparse rows.
#ifndef ORBIT_ENGINE_EDGE_LISTS_H_
#define ORBIT_ENGINE_EDGE_LISTS_H_

#include <span>
#include <vector>

#include "engine/tensor.h"

namespace orbit {

// A directed edge between two nodes of one graph, by their numbers within it.
struct Edge {
  int32_t source, target;
};

// `graphs` graphs of n nodes each, padding included, which has no edges. Edge e into node i of graph g comes from node
// sources[e] of that graph, for e in [offsets[g n + i], offsets[g n + i + 1]).
struct EdgeLists {
  int64_t graphs = 0, n = 0;
  Tensor offsets;          // i32 [graphs n + 1]
  Tensor sources;          // i32 [edges]
  Tensor reverse_offsets;  // the same for every edge turned round, which gradients run along
  Tensor reverse_sources;
  Tensor reverse_edges;  // i32 [edges]: the place in `sources` of each edge in reverse_sources

  int64_t edges() const { return sources.size(); }
  EdgeLists To(Device device) const;
};

// One list of edges a graph; they keep their order, self-loops and repetitions. Throws Error for a node outside [0, n)
// and for 2^31 edges or more.
EdgeLists MakeEdgeLists(int64_t n, const std::vector<std::vector<Edge>>& graphs);

}  // namespace orbit

#endif  // ORBIT_ENGINE_EDGE_LISTS_H_
