// The directed edges between all pairs of different nodes of a graph.
#ifndef ORBIT_MODELS_COMPLETE_GRAPH_H_
#define ORBIT_MODELS_COMPLETE_GRAPH_H_

#include "engine/edge_lists.h"
#include "engine/variable.h"

namespace orbit {

// Of one graph with n nodes: sorted by receiver, then by sender. It is made once a device and kept.
EdgeLists CompleteGraph(int64_t n, Device device);

// What belongs to its edges, of what belongs to pairs (receiver, sender): pairs [graphs, n, n, channels] ->
// [graphs n (n - 1), channels].
Variable OffDiagonal(const Variable& pairs);

}  // namespace orbit

#endif  // ORBIT_MODELS_COMPLETE_GRAPH_H_
