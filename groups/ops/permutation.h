// Elements of S_n: made from scores, acting by indexing, with straight-through gradients.
#ifndef ORBIT_GROUPS_OPS_PERMUTATION_H_
#define ORBIT_GROUPS_OPS_PERMUTATION_H_

#include "engine/variable.h"

namespace orbit {

// One permutation per graph and sample. As a matrix it is P [n, n] with one row per node and one column per rank,
// P[i, r] = 1 if node i has rank r; it is stored as `index`, and the matrix is not formed.
struct Permutation {
  Tensor index;      // i32 [batch, samples, n]: the node at every rank; index[r] = r for ranks beyond a graph's nodes
  Variable soft;     // [batch, samples, n, n]: the doubly stochastic P that gradients flow through; may be undefined
  bool hard = true;  // whether the action's value uses `index` (straight-through) or `soft`

  int64_t batch() const { return index.dim(0); }
  int64_t samples() const { return index.dim(1); }
  int64_t nodes() const { return index.dim(2); }
};

struct SoftSortOptions {
  double tau = 0.01;  // temperature > 0; smaller is harder
  int iterations = 20;
  bool hard = true;
};

// Sorts scores [batch, samples, n] in descending order. The scores are divided by their l2 norm over the graph's nodes
// (at least 1e-6, and at most what the dtype's squares reach, 1.8e19 in f32); then P = Sinkhorn(-|s_i - t_r| / tau),
// where t are the sorted scores, in O(n) time per iteration (kernels/soft_sort.h). num_nodes is i32 [batch]; nodes
// beyond it take no part. Gradients flow to the scores through P. P is not computed if neither a gradient nor, for
// `hard` = false, the value needs it. Kim et al. 2023, section 2.2; Prillo and Eisenschlos, SoftSort, ICML 2020.
Permutation SoftSort(const Variable& scores, const Tensor& num_nodes, const SoftSortOptions& options);

// The same order without a soft part, hence without gradients.
Permutation Sort(const Tensor& scores, const Tensor& num_nodes);

// The entropy of the normalised rows and columns of the soft permutation, averaged over samples and the graph's nodes
// and summed over the batch: a scalar, 0 for a hard permutation. Requires `soft`. Kim et al. 2023, appendix A.
Variable PermutationEntropy(const Permutation& permutation, const Tensor& num_nodes);

// Act on x with `order` node axes; channels come last.
//   ActInverse: x [batch, n, channels] or [batch, n, n, channels] -> [batch, samples, ...]: P^T x (P^T x P)
//   Act:        x [batch, samples, n, channels] or [batch, samples, n, n, channels] -> same shape: P x (P x P^T)
Variable ActInverse(const Permutation& permutation, int order, const Variable& x);
Variable Act(const Permutation& permutation, int order, const Variable& x);

// The diagonal of Act(permutation, 2, x), which is not formed for a hard permutation:
// x [batch, samples, n, n, channels] -> [batch, samples, n, channels].
Variable ActOnDiagonal(const Permutation& permutation, const Variable& x);

// Row r of the table [n, channels] for every node of rank r: [batch, samples, n, channels], P times the table. It is
// what a linear layer makes of the nodes' ranks as one-hot vectors, the table being its weight, transposed; those are
// never formed.
Variable EmbedRanks(const Permutation& permutation, const Variable& table);

// The matrices P [batch, samples, n, n] themselves: 0/1 with the straight-through gradient where `hard`, else `soft`; 0
// in the rows and columns of padding.
Variable ToMatrix(const Permutation& permutation, const Tensor& num_nodes, DType dtype);

// The rank of every node, i32 [batch, samples, n]: the inverse of `index`.
Tensor Ranks(const Permutation& permutation);

}  // namespace orbit

#endif  // ORBIT_GROUPS_OPS_PERMUTATION_H_
