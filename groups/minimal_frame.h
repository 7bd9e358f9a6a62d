// The smallest frame of a graph: its canonical labelling, up to automorphisms.
#ifndef ORBIT_GROUPS_MINIMAL_FRAME_H_
#define ORBIT_GROUPS_MINIMAL_FRAME_H_

#include "groups/element.h"

namespace orbit {

// From Lin et al., Equivariance via Minimal Frame Averaging for More Symmetries and Efficiency, ICML 2024: an
// equivariant set of permutations of a graph that contains one permutation contains all those that the graph's
// automorphisms turn it into. The orders that turn the graph into its canonical form are such a set, and none is
// smaller. nauty computes both the canonical form and the automorphisms (McKay and Piperno, 2014).
//
// Nodes are distinguished by all scalar node features. `noise` [batch, samples, n] chooses among a graph's
// automorphisms, uniformly if its values are independent: at every level of nauty's chain of stabilisers, the node with
// the largest value comes first. If graph and noise are renumbered, so is the result. Returns the node at every rank,
// i32 [batch, samples, n], as in Permutation. x needs edges and num_nodes; edges are directed, and repeated edges count
// once. Edge features and features of pairs of nodes, such as bonds, are not looked at: where they tell nodes apart
// that are alike without them, the frame is still equivariant, but not the smallest, and its elements give a base
// function different inputs.
Tensor MinimalFrame(const Features& x, const Tensor& noise);

}  // namespace orbit

#endif  // ORBIT_GROUPS_MINIMAL_FRAME_H_
