// Frames of graphs: hand-made sets of permutations that move with the graph.
#ifndef ORBIT_GROUPS_FRAME_H_
#define ORBIT_GROUPS_FRAME_H_

#include "engine/edge_lists.h"

namespace orbit {

// The frame of Puny et al. (Frame Averaging, ICLR 2022) sorts nodes by the graph Laplacian D - A, decomposed in single
// precision: a node's key is, for every distinct eigenvalue in ascending order, the length of its row in the eigenspace
// (|v_i| where that is a line), rounded to 2 decimals. Returned is the place of each node's key among the keys of its
// graph in lexicographic order, i32 [graphs, n]: nodes of one class cannot be told apart, and the frame holds all of
// their orders. num_nodes: i32 [graphs]; padding gets 0.
//
// Edges are taken as undirected, each once. Eigenvalues closer than 1e-3 of the largest count as one: the spectra of
// isomorphic graphs differ by rounding.
Tensor SpectralClasses(const EdgeLists& edges, const Tensor& num_nodes);

}  // namespace orbit

#endif  // ORBIT_GROUPS_FRAME_H_
