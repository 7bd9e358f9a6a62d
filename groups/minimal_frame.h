// The smallest frame of a graph: its canonical labelling, up to automorphisms.
#ifndef ORBIT_GROUPS_MINIMAL_FRAME_H_
#define ORBIT_GROUPS_MINIMAL_FRAME_H_

#include "groups/element.h"

namespace orbit {

// Lin et al., Equivariance via Minimal Frame Averaging for More Symmetries and Efficiency, ICML 2024: any equivariant
// set of permutations of a graph holds, with one, all those that its automorphisms turn it into; the orders of its
// nodes that make it the canonical one are such a set and no larger. Both come from nauty (McKay and Piperno, 2014).
//
// Nodes are told apart by the rows of all scalar features of nodes. `noise` [batch, samples, n] chooses among a graph's
// automorphisms, uniformly where its values are independent: at every step down nauty's chain of stabilisers the node
// with the largest value comes first. Renumbering graph and noise alike renumbers the result.
// Returns the node at every rank, i32 [batch, samples, n], as in Permutation. x needs edges and num_nodes; edges are
// directed, repeated ones count once.
Tensor MinimalFrame(const Features& x, const Tensor& noise);

}  // namespace orbit

#endif  // ORBIT_GROUPS_MINIMAL_FRAME_H_
