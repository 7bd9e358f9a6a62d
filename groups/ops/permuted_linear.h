// The first layer of a network on permuted graphs, without forming what it acts on.
#ifndef ORBIT_GROUPS_OPS_PERMUTED_LINEAR_H_
#define ORBIT_GROUPS_OPS_PERMUTED_LINEAR_H_

#include "engine/edge_lists.h"
#include "groups/ops/permutation.h"

namespace orbit {

// Linear(concat(flatten(P^T X), flatten(P^T A P))) for every graph and sample: [batch, samples, out]. X nodes [batch,
// n, d] (constant; undefined: no part of the input), A[source, target] = 1 for every edge, weight [out, n d + n n],
// bias [out]. The gradient of a hard permutation is straight-through, into its soft part; num_nodes, i32 [batch], where
// given, says that only a graph's so many first nodes and ranks take part in it. A soft one multiplies dense matrices.
// f32, f64.
Variable PermutedLinear(const Permutation& permutation, const Tensor& nodes, const EdgeLists& edges,
                        const Variable& weight, const Variable& bias, const Tensor& num_nodes = {});

// A [batch, n, n, 1], with 1 for every edge.
Tensor DenseAdjacency(const EdgeLists& edges, DType dtype);

}  // namespace orbit

#endif  // ORBIT_GROUPS_OPS_PERMUTED_LINEAR_H_
