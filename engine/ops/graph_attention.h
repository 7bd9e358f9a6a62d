// Attention along the edges of graphs.
#ifndef ORBIT_ENGINE_OPS_GRAPH_ATTENTION_H_
#define ORBIT_ENGINE_OPS_GRAPH_ATTENTION_H_

#include "engine/edge_lists.h"
#include "engine/variable.h"

namespace orbit {

// For each head and sample, y_i = sum of w_ij z_j over the edges j -> i and i itself, where w_ij is the softmax over j
// of LeakyReLU(from_j + to_i): z [graphs, samples, n, heads, channels], from and to [graphs, samples, n, heads]. f32,
// f64. Velickovic et al., Graph Attention Networks, ICLR 2018.
Variable GraphAttention(const Variable& z, const Variable& from, const Variable& to, const EdgeLists& edges,
                        double slope = 0.2);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_GRAPH_ATTENTION_H_
