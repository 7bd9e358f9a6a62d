// Graphs as images whose pixels are pairs of nodes.
#ifndef ORBIT_GROUPS_OPS_GRAPH_IMAGE_H_
#define ORBIT_GROUPS_OPS_GRAPH_IMAGE_H_

#include "engine/edge_lists.h"
#include "engine/tensor.h"

namespace orbit {

// X [batch, n, n, channels], in parts.
struct GraphImage {
  EdgeLists edges;
  Tensor edge_features;  // [edges, channels], at (source, target); undefined: one channel of ones
  Tensor node_features;  // [batch, n, channels], on the diagonal, after the edges' channels; may be undefined
  Tensor num_nodes;      // i32 [batch]; undefined without padding nodes
};

// All pixels of X; the features of edges between the same nodes are added up.
Tensor DenseImage(const GraphImage& graphs, DType dtype);

}  // namespace orbit

#endif  // ORBIT_GROUPS_OPS_GRAPH_IMAGE_H_
