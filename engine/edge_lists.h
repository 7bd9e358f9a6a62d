// The edges of a batch of small graphs, in compressed sparse row format.
#ifndef ORBIT_ENGINE_EDGE_LISTS_H_
#define ORBIT_ENGINE_EDGE_LISTS_H_

#include <functional>
#include <span>
#include <vector>

#include "engine/tensor.h"

namespace orbit {

// A directed edge between two nodes, numbered within their graph.
struct Edge {
  int32_t source, target;
};

// `graphs` graphs of n nodes each, including padding nodes, which have no edges. The edges into node i of graph g are
// the e in [offsets[g n + i], offsets[g n + i + 1]), from node sources[e] of that graph.
struct EdgeLists {
  int64_t graphs = 0, n = 0;
  Tensor offsets;          // i32 [graphs n + 1]
  Tensor sources;          // i32 [edges]
  Tensor reverse_offsets;  // offsets for the reversed edges, along which gradients run
  Tensor reverse_sources;
  Tensor reverse_edges;  // i32 [edges]: the position in `sources` of each edge of reverse_sources

  int64_t edges() const { return sources.size(); }
  EdgeLists To(Device device) const;
  // With what `copy` makes of every tensor.
  EdgeLists Copied(const std::function<Tensor(const Tensor&)>& copy) const;
};

// Takes one list of edges per graph and keeps order, self-loops and repetitions. If not null, given [edges] receives
// for every one of `sources` the number of its edge among all that were given, so that what belongs to edges can be put
// in their order. Throws Error for a node outside [0, n) and for 2^31 edges or more.
EdgeLists MakeEdgeLists(int64_t n, const std::vector<std::vector<Edge>>& graphs, std::vector<int32_t>* given = nullptr);

}  // namespace orbit

#endif  // ORBIT_ENGINE_EDGE_LISTS_H_
