// A linear layer on permuted graphs, computed from their edges: neither the permuted features nor the permuted n x n
// adjacency matrix is formed.
//
// Row (g, s) of the input is [P^T X, P^T A P], flattened, where X [n, d] are the node features of graph g (d may be 0),
// A is its 0/1 adjacency matrix, A[source, target] = 1, and P is the permutation of sample s, given by the rank of
// every node. The layer adds one column of the weight [out, n d + n n] per edge, and one times its value per feature.
#ifndef ORBIT_KERNELS_PERMUTED_LINEAR_H_
#define ORBIT_KERNELS_PERMUTED_LINEAR_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

struct PermutedGraphs {
  int64_t graphs, samples, n, d;
  const int32_t* offsets;              // [graphs n + 1], as in kernels/message_passing.h
  const int32_t* sources;              // [edges]: sources[offsets[g n + i]] ... are the edges into node i of graph g
  const int32_t* ranks;                // [graphs, samples, n]
  int64_t edges;                       // of all graphs together
  const int32_t* num_nodes = nullptr;  // [graphs]: a graph's nodes have the ranks below this; null: n

  constexpr int64_t rows() const { return graphs * samples; }
  constexpr int64_t columns() const { return n * d + n * n; }
};

// y [graphs, samples, out] = input * weight^T + bias; x [graphs, n, d]. The weight is read once, in blocks of outputs
// that stay on chip while all rows are processed.
template <class Device, class T>
void PermutedLinear(Device device, const PermutedGraphs& graphs, int64_t out, const T* x, const T* weight,
                    const T* bias, T* y);

// dweight [out, n d + n n] from dy.
template <class Device, class T>
void PermutedLinearBackward(Device device, const PermutedGraphs& graphs, int64_t out, const T* x, const T* dy,
                            T* dweight);

// The straight-through gradient dsoft [graphs, samples, n, n], one row per node and one column per rank, from dy. It is
// 0 for nodes and ranks beyond a graph's own. Flops: 2 * rows * out * columns. GPUs use all columns; the host uses only
// those of each graph's own ranks, and for undirected graphs one column for both directions of an edge.
template <class Device, class T>
void PermutedLinearStraightThrough(Device device, const PermutedGraphs& graphs, int64_t out, const T* x,
                                   const T* weight, const T* dy, T* dsoft);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_PERMUTED_LINEAR_H_
