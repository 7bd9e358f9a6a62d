// MLPs over the edges of graphs: what comes before, between and after their dense products. f32, f64; bf16 is taken in
// f32.
//
// Arrays over nodes are [graphs samples n, ...]; all samples of a graph share its edges. Arrays over edges are ordered
// by graph, then by sample, then by edge as in EdgeLists; for one graph that is [samples edges, ...]. An edge goes from
// the sender j to the receiver i.
#ifndef ORBIT_ENGINE_OPS_EDGE_MLP_H_
#define ORBIT_ENGINE_OPS_EDGE_MLP_H_

#include "engine/edge_lists.h"
#include "engine/variable.h"

namespace orbit {

// SiLU(weight [h_i, h_j, |x_i - x_j|^2, a_ij] + bias) for every edge, the first layer of an MLP. h is [nodes, width];
// positions x [nodes, 3], undefined to leave out the distances; attributes a [rows of edges, attributes], or undefined;
// weight [out, 2 width + scalars], with at most 8 scalars per edge; bias [out]. The products with h are computed per
// node.
Variable EdgeSilu(const Variable& h, const Variable& positions, const Variable& attributes, const Variable& weight,
                  const Variable& bias, const EdgeLists& edges);

// messages = SiLU(x), [rows of edges, channels]; sums [nodes, channels] = the sum of the messages that each node
// receives.
struct MessagesAndSums {
  Variable messages, sums;
};
MessagesAndSums SiluAndSum(const Variable& x, int64_t nodes, const EdgeLists& edges);
// SiluAndSum without the messages.
Variable SiluSum(const Variable& x, int64_t nodes, const EdgeLists& edges);

// The mean over senders of clamp((x_i - x_j) (weight . SiLU(p_ij)), -limit, limit), 0 for a node without senders: p
// [rows of edges, channels], weight [1, channels], positions x [nodes, 3] -> [nodes, 3]. Satorras, Hoogeboom, Welling,
// E(n) Equivariant Graph Neural Networks, ICML 2021, equation 4.
Variable MeanMoves(const Variable& p, const Variable& weight, const Variable& positions, double limit,
                   const EdgeLists& edges);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_EDGE_MLP_H_
