// Transforms data and noise by chosen group elements, to test and measure equivariance without statistics:
//
//   phi(h . x, h . eps) = h . phi(x, eps)   for every h in the group, up to rounding.
#ifndef ORBIT_GROUPS_EQUIVARIANCE_H_
#define ORBIT_GROUPS_EQUIVARIANCE_H_

#include "engine/random.h"
#include "groups/distribution.h"
#include "groups/element.h"
#include "groups/group.h"

namespace orbit {

// Draws one element per graph, [batch, 1]: the permutation uniformly, the matrix by MatrixGroup::Random, the
// translation from N(0, 1).
Element RandomElement(const Group& group, const Features& x, Generator& generator);

// h . x for one h per graph, as from RandomElement.
Variable Act(const Element& h, const Feature& x);
Features Act(const Element& h, const Features& x);

// h . eps: the noise of every sample, transformed by the h of its graph. `network` is the representation of
// Noise::network.
Noise Act(const Element& h, const Representation& network, const Noise& noise);

}  // namespace orbit

#endif  // ORBIT_GROUPS_EQUIVARIANCE_H_
