// Transforming data and noise by chosen group elements, to test and to measure equivariance without statistics:
//
//   phi(h . x, h . eps) = h . phi(x, eps)   for every h in the group, up to rounding.
#ifndef ORBIT_GROUPS_EQUIVARIANCE_H_
#define ORBIT_GROUPS_EQUIVARIANCE_H_

#include "engine/random.h"
#include "groups/distribution.h"
#include "groups/element.h"
#include "groups/group.h"

namespace orbit {

// One element for every graph, [batch, 1]: the permutation uniform, the matrix by MatrixGroup::Random, the translation
// from N(0, 1).
Element RandomElement(const Group& group, const Features& x, Generator& generator);

// h . x for one h a graph, as RandomElement gives.
Variable Act(const Element& h, const Feature& x);
Features Act(const Element& h, const Features& x);

// h . eps: every sample's noise, transformed by its graph's h; `network` is how the network's noise transforms.
Noise Act(const Element& h, const Representation& network, const Noise& noise);

}  // namespace orbit

#endif  // ORBIT_GROUPS_EQUIVARIANCE_H_
