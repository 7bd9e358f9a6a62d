// Elements of matrix groups: made from vectors by Gram-Schmidt, acting on vectors.
#ifndef ORBIT_GROUPS_OPS_ROTATION_H_
#define ORBIT_GROUPS_OPS_ROTATION_H_

#include "engine/variable.h"
#include "groups/group.h"

namespace orbit {

// Makes the columns of v [..., d, d] orthonormal in their order; where `special`, the first column is then multiplied
// by the determinant, so that the result is in SO(d). Equivariant: R v gives R times the result (special: R in SO(d)).
Variable GramSchmidt(const Variable& v, bool special);

// Elements [..., d, d] of the matrix group, Haar distributed where `normal` [..., d, d] holds independent N(0, 1): the
// orthogonal factor of a QR with a positive diagonal (Mezzadri, Notices of the AMS 54, 2007). For U(d / 2) the even
// columns of `normal` are the real vectors that stand for d / 2 complex ones; the result [d, d] is the real matrix of
// the unitary one, commuting with multiplication by i. No gradient.
Tensor HaarElement(MatrixGroup group, const Tensor& normal);

// Acts on x [batch, points, d, channels] (inverse: result [batch, samples, points, d, channels]) or
// [batch, samples, points, d, channels] by the matrices m [batch, samples, d, d]: m^T x (inverse) or m x.
Variable RotateInverse(const Variable& m, const Variable& x);
Variable Rotate(const Variable& m, const Variable& x);

}  // namespace orbit

#endif  // ORBIT_GROUPS_OPS_ROTATION_H_
