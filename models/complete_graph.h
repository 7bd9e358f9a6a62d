// The directed edges between all pairs of different nodes of a graph.
#ifndef ORBIT_MODELS_COMPLETE_GRAPH_H_
#define ORBIT_MODELS_COMPLETE_GRAPH_H_

#include "engine/edge_lists.h"
#include "engine/variable.h"

namespace orbit {

// The graph of n nodes, with edges sorted by receiver, then sender. It is made once per device and kept.
EdgeLists CompleteGraph(int64_t n, Device device);

// The elements that belong to edges, of elements per pair (receiver, sender): pairs [graphs, n, n, channels] ->
// [graphs n (n - 1), channels].
Variable OffDiagonal(const Variable& pairs);

}  // namespace orbit

#endif  // ORBIT_MODELS_COMPLETE_GRAPH_H_
