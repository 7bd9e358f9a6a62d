// Permutations acting on features of nodes and of pairs of nodes, by indexing.
//
// Each row of index [rows, n] is a permutation of the n nodes: index[r] is the node at rank r. As a matrix, with one
// row per node and one column per rank, P[index[r], r] = 1. x is [rows / repeat, n, channels] (order 1) or
// [rows / repeat, n, n, channels] (order 2); each x serves `repeat` consecutive rows. y has the shape of x with `rows`
// rows. The result is y = P x (P x P^T for order 2) or, if `transpose`, y = P^T x (P^T x P):
//
//   transpose:  y[r, :] = x[index[r], :]           y[r, s, :] = x[index[r], index[s], :]
//   else:       y[index[r], :] = x[r, :]           y[index[r], index[s], :] = x[r, s, :]
//
// Throws Error unless order is 1 or 2. For actions of a dense P, see rotate.h.
#ifndef ORBIT_KERNELS_PERMUTE_H_
#define ORBIT_KERNELS_PERMUTE_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

template <class Device, class T>
void Permute(Device device, int order, int64_t rows, int64_t repeat, int64_t n, int64_t channels, bool transpose,
             const int32_t* index, const T* x, T* y);

// dx [rows / repeat, ...] from dy [rows, ...]: sums over the rows that share an x, in order.
template <class Device, class T>
void PermuteBackward(Device device, int order, int64_t rows, int64_t repeat, int64_t n, int64_t channels,
                     bool transpose, const int32_t* index, const T* dy, T* dx);

// ranks [rows, n]: the rank of every node, ranks[index[r]] = r.
template <class Device>
void InvertPermutations(Device device, int64_t rows, int64_t n, const int32_t* index, int32_t* ranks);

// The straight-through gradient: the derivative of the dense product with respect to P, at the hard permutation,
//
//   dP[i, r] = sum over c of nodes[i, c] ranks[r, c]                                                    (order 1)
//   dP[i, r] = sum over s, c of nodes[i, index[s], c] ranks[r, s, c] + nodes[index[s], i, c] ranks[s, r, c]  (order 2)
//
// where (nodes, ranks) is (x, dy) if `transpose`, else (dy, x). dsoft [rows, n, n] = dP + beta dsoft; beta is 0 (dsoft
// may be uninitialised) or 1. Order 2 takes two n x n x (n channels) matrix products per row.
template <class Device, class T>
void PermuteStraightThrough(Device device, int order, int64_t rows, int64_t repeat, int64_t n, int64_t channels,
                            bool transpose, const int32_t* index, const T* x, const T* dy, T beta, T* dsoft);

// The straight-through gradient of the diagonal of P x P^T, y[index[q], :] = x[q, q, :], which is an action of order 1
// in its value alone:
//
//   dP[index[q], r] = sum over c of dy[index[q], c] (x[r, q, c] + x[q, r, c])
//
// x [rows, n, n, channels], dy [rows, n, channels]; dsoft [rows, n, n] = dP. Bytes: x twice, dsoft once.
template <class Device, class T>
void PermuteDiagonalStraightThrough(Device device, int64_t rows, int64_t n, int64_t channels, const int32_t* index,
                                    const T* x, const T* dy, T* dsoft);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_PERMUTE_H_
