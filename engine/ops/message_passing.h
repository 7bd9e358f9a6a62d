// Messages along the edges of graphs.
#ifndef ORBIT_ENGINE_OPS_MESSAGE_PASSING_H_
#define ORBIT_ENGINE_OPS_MESSAGE_PASSING_H_

#include "engine/edge_lists.h"
#include "engine/variable.h"

namespace orbit {

// 1 for a graph's nodes, 0 for padding: [graphs, n] from num_nodes i32 [graphs].
Tensor NodeMask(const Tensor& num_nodes, int64_t n, DType dtype);

// y_i = (1 + eps) x_i + the sum of x_j over the edges j -> i, for every sample alike: x [graphs, samples, n, channels],
// eps []. f32, f64. The aggregation of GIN: Xu et al., How Powerful are Graph Neural Networks?, ICLR 2019.
Variable MessageSum(const Variable& x, const Variable& eps, const EdgeLists& edges);

// The same with a virtual node before the others, x [graphs, samples, 1 + n, channels]: it has a self-loop, and edges
// to and from each of its graph's num_nodes (i32 [graphs]) first nodes.
Variable MessageSumWithHub(const Variable& x, const Variable& eps, const EdgeLists& edges, const Tensor& num_nodes);

// y_i = s_i (self s_i x_i + the sum of s_j x_j over the edges j -> i) + bias: x [graphs, samples, n, channels], s
// [graphs, n], bias [channels] or undefined. f32, f64. With s one over the root of the degrees the aggregation of GCN:
// Kipf and Welling, Semi-Supervised Classification with Graph Convolutional Networks, ICLR 2017.
Variable NormalizedMessageSum(const Variable& x, const Tensor& s, double self, const Variable& bias,
                              const EdgeLists& edges);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_MESSAGE_PASSING_H_
