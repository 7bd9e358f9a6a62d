// Matrices made from vectors by Gram-Schmidt, and matrices acting on vectors.
#ifndef ORBIT_GROUPS_OPS_ROTATION_H_
#define ORBIT_GROUPS_OPS_ROTATION_H_

#include "engine/variable.h"
#include "kernels/gram_schmidt.h"

namespace orbit {

using kernels::kMaxGramSchmidt;

// Makes the columns of v [..., d, d] orthonormal in their order, d at most kMaxGramSchmidt; where `special`, the first
// column is then multiplied by the determinant, so that the result is in SO(d). Equivariant: R v gives R times the
// result (special: R in SO(d)).
Variable GramSchmidt(const Variable& v, bool special);

// x [batch, points, d, channels], for every sample, or [batch, samples, points, d, channels], multiplied by the
// matrices m [batch, samples, d, d] or their transposes: m x, m^T x [batch, samples, points, d, channels].
Variable Rotate(const Variable& m, const Variable& x);
Variable RotateTransposed(const Variable& m, const Variable& x);

}  // namespace orbit

#endif  // ORBIT_GROUPS_OPS_ROTATION_H_
