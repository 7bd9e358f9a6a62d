// Frames of graphs: hand-made sets of permutations that are equivariant.
#ifndef ORBIT_GROUPS_FRAME_H_
#define ORBIT_GROUPS_FRAME_H_

#include "engine/edge_lists.h"

namespace orbit {

// The frame of Puny et al. (Frame Averaging, ICLR 2022) sorts nodes by the graph Laplacian D - A, decomposed in single
// precision. The key of a node has one number per distinct eigenvalue, in ascending order: the length of the node's row
// in the eigenspace (|v_i| for a one-dimensional one), rounded to 2 decimals. Returns for each node the position of its
// key among the graph's keys in lexicographic order, i32 [graphs, n]; padding gets 0. Nodes with the same position form
// a class and cannot be told apart; the frame consists of all orders within classes. num_nodes: i32 [graphs].
//
// Edges are taken as undirected and without repetitions. Eigenvalues that differ by less than 1e-3 of the largest one
// count as equal, because rounding makes the spectra of isomorphic graphs differ.
Tensor SpectralClasses(const EdgeLists& edges, const Tensor& num_nodes);

}  // namespace orbit

#endif  // ORBIT_GROUPS_FRAME_H_
