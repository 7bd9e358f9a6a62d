// The first layer of a network on permuted graphs, without forming its input.
#ifndef ORBIT_GROUPS_OPS_PERMUTED_LINEAR_H_
#define ORBIT_GROUPS_OPS_PERMUTED_LINEAR_H_

#include "engine/edge_lists.h"
#include "groups/ops/permutation.h"

namespace orbit {

// Linear(concat(flatten(P^T X), flatten(P^T A P))) for every graph and sample: [batch, samples, out]. X is `nodes`
// [batch, n, d], a constant; if undefined it is left out. A[source, target] = 1 for every edge. weight
// [out, n d + n n], bias [out]. A hard permutation has a straight-through gradient to its soft part, in which, given
// num_nodes i32 [batch], only the first num_nodes nodes and ranks of a graph take part. For a soft permutation dense
// matrices are multiplied. f32, f64.
Variable PermutedLinear(const Permutation& permutation, const Tensor& nodes, const EdgeLists& edges,
                        const Variable& weight, const Variable& bias, const Tensor& num_nodes = {});

}  // namespace orbit

#endif  // ORBIT_GROUPS_OPS_PERMUTED_LINEAR_H_
