// U(n) and SU(n), on n complex coordinates stored as (real, imaginary) pairs. They preserve Hermitian products.
#ifndef ORBIT_GROUPS_MATRIX_GROUPS_UNITARY_H_
#define ORBIT_GROUPS_MATRIX_GROUPS_UNITARY_H_

#include "groups/matrix_group.h"

namespace orbit {

// "U1" to "U4", "SU1" to "SU4". An element is the real [2 n, 2 n] form of the complex matrix; a frame is n complex
// vectors, [2 n, n]. Project is complex Gram-Schmidt over the columns; in SU(n) the last column is divided by the
// determinant.
MatrixGroups UnitaryGroups();

}  // namespace orbit

#endif  // ORBIT_GROUPS_MATRIX_GROUPS_UNITARY_H_
