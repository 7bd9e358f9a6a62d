// SoftSort (Prillo & Eisenschlos, ICML 2020) followed by log-Sinkhorn: turns scores of nodes into a hard and a soft
// permutation.
//
// Let t be the scores s sorted in descending order. log P[i, r] = -|s_i - t_r| / tau is normalised over the ranks r
// (rows) and then over the nodes i (columns), `iterations` times. As the cost is a distance on a line, an iteration
// takes O(n) time; the n x n matrix is touched once, when the soft permutation is written (forward) or its gradient is
// read (backward).
//
// Scores are [batch, samples, n], already normalised. The graph of batch element b consists of the first num_nodes[b]
// <= n nodes; scores beyond them are not read.
#ifndef ORBIT_KERNELS_SOFT_SORT_H_
#define ORBIT_KERNELS_SOFT_SORT_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

struct SoftSortProblem {
  int64_t batch, samples, n;
  const int32_t* num_nodes;  // [batch]; null: n for all
  double tau;                // temperature, > 0
  int iterations;            // of Sinkhorn (rows, then columns), >= 1
};

// Both functions throw Error if tau or iterations is out of range and, on the host, if num_nodes[b] is outside [0, n];
// a GPU clamps it, as the host does not read GPU memory. A GPU keeps a graph in a block's shared memory, and both
// functions throw Error if it does not fit. On compute capability 9.0 that begins at n = 5,810 (float) and 4,842
// (double) forward, 1,291 and 854 backward.

// index [batch, samples, n]: the node at each rank, by descending score. Equal scores keep the nodes' order, NaN comes
// first, and ranks from num_nodes[b] on map to themselves. soft [batch, samples, n, n], may be null: P, with one row
// per node and one column per rank, 0 beyond num_nodes[b]. The iterations run in double for every T. Backward needs
// only `index`.
template <class Device, class T>
void SoftSort(Device device, const SoftSortProblem& problem, const T* scores, int32_t* index, T* soft);

// dscores [batch, samples, n] = gradient of sum(dsoft * soft) through the scores s, the sorted scores t and all
// iterations; 0 beyond num_nodes[b]. `index` is the output of SoftSort; dsoft [batch, samples, n, n] is read once. The
// derivative of |s_i - t_r| at 0 is 0, as in PyTorch.
template <class Device, class T>
void SoftSortBackward(Device device, const SoftSortProblem& problem, const T* scores, const int32_t* index,
                      const T* dsoft, T* dscores);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_SOFT_SORT_H_
