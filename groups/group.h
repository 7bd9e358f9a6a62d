// The symmetry groups of data: permutations of n nodes, a matrix group acting on vectors, translations of their
// coordinates, and products of these.
#ifndef ORBIT_GROUPS_GROUP_H_
#define ORBIT_GROUPS_GROUP_H_

#include <string>

#include "groups/matrix_group.h"

namespace orbit {

// The product of its parts; a part that is off is trivial.
struct Group {
  bool permutations = false;            // S_n, where n is the data's number of nodes
  const MatrixGroup* matrix = nullptr;  // null: the trivial group
  bool translations = false;

  bool operator==(const Group&) const = default;
};

// Parses factors joined by 'x', Sn and a matrix group: "SnxO3", "Sn", "U2", "SnxSO+1,3". With numbers for n and d, the
// matrix groups are On and SOn, Un and SUn, and the Lorentz groups O1,d and SO+1,d on d + 1 coordinates (t, x_1 ..
// x_d). Writing E for O adds translations: E3, SE3, and SE+1,3 for the Poincare group. Throws Error for anything else.
Group ParseGroup(const std::string& name);
std::string NameOf(const Group& group);

}  // namespace orbit

#endif  // ORBIT_GROUPS_GROUP_H_
