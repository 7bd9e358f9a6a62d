// SoftSort (Prillo & Eisenschlos 2020) followed by log-Sinkhorn: scores of nodes to a hard and a soft permutation.
//
// Sorted descending, scores s become t; log P[i, r] = -|s_i - t_r| / tau is normalised over the ranks r (rows) and then
// over the nodes i (columns), `iterations` times. The cost is a distance on a line, so an iteration takes O(n) time; an
// n x n matrix is touched once, where the soft permutation is written (forward) or its gradient is read (backward).
//
// Scores are [batch, samples, n], already normalised; the graph of batch element b has num_nodes[b] <= n nodes, the
// first ones (num_nodes == nullptr: n everywhere). Scores beyond are not read.
#ifndef ORBIT_KERNELS_SOFT_SORT_H_
#define ORBIT_KERNELS_SOFT_SORT_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

struct SoftSortShape {
  int64_t batch, samples, n;
};

// index [batch, samples, n]: the node at each rank, by descending score; the first of equals comes first, NaN before
// everything; ranks from num_nodes[b] on hold themselves.
// soft [batch, samples, n, n] (nullptr: not wanted): P with a row per node and a column per rank, 0 beyond
// num_nodes[b]. Whatever T, the iterations run in double. Nothing but `index` is kept for the backward pass. Throws
// Error unless tau > 0, iterations >= 1 and 0 <= num_nodes[b] <= n.
template <class Device, class T>
void SoftSort(Device device, SoftSortShape shape, const T* scores, const int32_t* num_nodes, double tau, int iterations,
              int32_t* index, T* soft);

// dscores [batch, samples, n] = gradient of sum(dsoft * soft) through the nodes' scores s, the sorted scores t and all
// iterations; 0 beyond num_nodes[b]. `index` is what SoftSort wrote; dsoft [batch, samples, n, n] is read once. The
// derivative of |s_i - t_r| at 0 is 0, as PyTorch has it.
template <class Device, class T>
void SoftSortBackward(Device device, SoftSortShape shape, const T* scores, const int32_t* num_nodes,
                      const int32_t* index, double tau, int iterations, const T* dsoft, T* dscores);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_SOFT_SORT_H_
