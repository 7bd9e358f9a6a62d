// Message passing along the edges of graphs.
#ifndef ORBIT_ENGINE_OPS_MESSAGE_PASSING_H_
#define ORBIT_ENGINE_OPS_MESSAGE_PASSING_H_

#include "engine/edge_lists.h"
#include "engine/variable.h"

namespace orbit {

// Marks a graph's nodes with 1 and padding with 0: num_nodes i32 [graphs] -> [graphs, n].
Tensor NodeMask(const Tensor& num_nodes, int64_t n, DType dtype);

// y_i = (1 + eps) x_i + sum of x_j over the edges j -> i, for every sample: x [graphs, samples, n, channels], eps [].
// f32, f64. This is the aggregation of GIN: Xu et al., How Powerful are Graph Neural Networks?, ICLR 2019.
Variable MessageSum(const Variable& x, const Variable& eps, const EdgeLists& edges);

// MessageSum with a virtual node before all others, x [graphs, samples, 1 + n, channels]. It has a self-loop, and edges
// to and from the first num_nodes (i32 [graphs]) nodes of its graph.
Variable MessageSumWithHub(const Variable& x, const Variable& eps, const EdgeLists& edges, const Tensor& num_nodes);

// y_i = s_i (self s_i x_i + sum of s_j x_j over the edges j -> i) + bias: x [graphs, samples, n, channels], s
// [graphs, n], bias [channels] or undefined. f32, f64. With s = 1 / sqrt(degree) this is the aggregation of GCN: Kipf
// and Welling, Semi-Supervised Classification with Graph Convolutional Networks, ICLR 2017.
Variable NormalizedMessageSum(const Variable& x, const Tensor& s, double self, const Variable& bias,
                              const EdgeLists& edges);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_MESSAGE_PASSING_H_
