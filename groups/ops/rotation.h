// Matrices made from vectors by Gram-Schmidt, and matrices acting on vectors.
#ifndef ORBIT_GROUPS_OPS_ROTATION_H_
#define ORBIT_GROUPS_OPS_ROTATION_H_

#include "engine/variable.h"
#include "kernels/gram_schmidt.h"

namespace orbit {

using kernels::kMaxGramSchmidt;

// Makes the columns of v [..., d, d] orthonormal, in order; d is at most kMaxGramSchmidt. If `special`, the first
// column is then multiplied by the determinant, so that the result is in SO(d). Equivariant: R v gives R times the
// result, for R in O(d) or, if `special`, in SO(d).
Variable GramSchmidt(const Variable& v, bool special);

// Multiplies x by m or m^T, m [batch, samples, d, d]: x [batch, points, d, channels], shared by the samples, or
// [batch, samples, points, d, channels] -> [batch, samples, points, d, channels].
Variable Rotate(const Variable& m, const Variable& x);
Variable RotateTransposed(const Variable& m, const Variable& x);

}  // namespace orbit

#endif  // ORBIT_GROUPS_OPS_ROTATION_H_
