// O(n) and SO(n): rotations with and without reflections, which preserve lengths.
#ifndef ORBIT_GROUPS_MATRIX_GROUPS_ORTHOGONAL_H_
#define ORBIT_GROUPS_MATRIX_GROUPS_ORTHOGONAL_H_

#include "groups/matrix_group.h"

namespace orbit {

// "O1" to "O8", "SO1" to "SO8". Gram-Schmidt over the columns; in SO(n) the first is multiplied by the determinant.
MatrixGroups OrthogonalGroups();

}  // namespace orbit

#endif  // ORBIT_GROUPS_MATRIX_GROUPS_ORTHOGONAL_H_
