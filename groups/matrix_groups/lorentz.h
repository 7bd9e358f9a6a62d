// The Lorentz groups O(1,d) and SO+(1,d): boosts, rotations and, in O(1,d), reversals of time and space, on d + 1
// coordinates (t, x_1 .. x_d). They preserve t^2 - x_1^2 - .. - x_d^2 and are not compact.
#ifndef ORBIT_GROUPS_MATRIX_GROUPS_LORENTZ_H_
#define ORBIT_GROUPS_MATRIX_GROUPS_LORENTZ_H_

#include "groups/matrix_group.h"

namespace orbit {

// "O1,1" to "O1,8", "SO+1,1" to "SO+1,8". Project is Gram-Schmidt over the columns with Minkowski's product. The first
// vector of a frame must be timelike; in O(1,d) it may point to the past. In SO+(1,d) the first column is turned to the
// future and the second one multiplied by the determinant. Project computes in f64. It throws Error, with the frame, if
// the first vector is not timelike or the vectors are dependent, up to rounding; on GPUs this check waits for the
// device. Random elements are boosts of rapidity up to 2 and rotations and, in O(1,d), reversals.
MatrixGroups LorentzGroups();

}  // namespace orbit

#endif  // ORBIT_GROUPS_MATRIX_GROUPS_LORENTZ_H_
