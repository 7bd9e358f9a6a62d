// The groups that data can be symmetric under: permutations of n nodes, a matrix group on vectors, translations of
// their coordinates, and products of these.
#ifndef ORBIT_GROUPS_GROUP_H_
#define ORBIT_GROUPS_GROUP_H_

#include <string>

#include "groups/matrix_group.h"

namespace orbit {

// The product of its parts; a part that is off contributes the identity alone.
struct Group {
  bool permutations = false;            // S_n, n being the number of nodes of the data
  const MatrixGroup* matrix = nullptr;  // null: the trivial group
  bool translations = false;

  bool operator==(const Group&) const = default;
};

// From the factors joined by 'x', Sn and one of matrices, as in "SnxO3", "Sn", "U2" or "SnxSO+1,3". Matrix groups are
// On and SOn, Un and SUn, and the Lorentz groups O1,d and SO+1,d on d + 1 coordinates (t, x_1 .. x_d), with n and d
// numbers; O written E adds the translations: E3, SE3, and SE+1,3 for Poincare's. Throws Error for anything else.
Group ParseGroup(const std::string& name);
std::string NameOf(const Group& group);

}  // namespace orbit

#endif  // ORBIT_GROUPS_GROUP_H_
