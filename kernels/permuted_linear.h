// A linear layer on permuted graphs, straight from their edges: neither the permuted features nor the permuted n x n
// adjacency is formed.
//
// Row (g, s) of the input is [P^T X, P^T A P], flattened: X [n, d] the features of graph g's nodes (d may be 0), A the
// 0/1 adjacency of its edges, A[source, target] = 1, P the permutation of its sample s, given by the rank of every
// node. The layer sums one column of the weight [out, n d + n n] for every edge, and one times x for every feature.
#ifndef ORBIT_KERNELS_PERMUTED_LINEAR_H_
#define ORBIT_KERNELS_PERMUTED_LINEAR_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

struct PermutedGraphs {
  int64_t graphs, samples, n, d;
  const int32_t* offsets;              // [graphs n + 1], as in kernels/message_passing.h: into node i come
  const int32_t* sources;              // sources[offsets[g n + i]] ...
  const int32_t* ranks;                // [graphs, samples, n]
  int64_t edges;                       // of all graphs: the size of sources
  const int32_t* num_nodes = nullptr;  // [graphs]: only so many first ranks are a graph's own; null: all

  constexpr int64_t rows() const { return graphs * samples; }
  constexpr int64_t columns() const { return n * d + n * n; }
};

// y [graphs, samples, out] = the input times weight^T + bias; x [graphs, n, d]. The weight is read once, in blocks of
// outputs that stay on chip while all rows pass.
template <class Device, class T>
void PermutedLinear(Device device, const PermutedGraphs& graphs, int64_t out, const T* x, const T* weight,
                    const T* bias, T* y);

// dweight [out, n d + n n] from dy.
template <class Device, class T>
void PermutedLinearBackward(Device device, const PermutedGraphs& graphs, int64_t out, const T* x, const T* dy,
                            T* dweight);

// The straight-through gradient dsoft [graphs, samples, n, n], node by rank, from dy; 0 for nodes and ranks beyond a
// graph's own, which take no part in its permutations. Flops: 2 rows out times the columns that are needed; on the host
// those of each graph's own ranks, and of undirected graphs a column for both directions, else all.
template <class Device, class T>
void PermutedLinearStraightThrough(Device device, const PermutedGraphs& graphs, int64_t out, const T* x,
                                   const T* weight, const T* dy, T* dsoft);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_PERMUTED_LINEAR_H_
