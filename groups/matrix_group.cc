#include "groups/matrix_group.h"

#include "engine/ops/shape.h"
#include "groups/ops/rotation.h"

namespace orbit {

Variable MatrixGroup::Inverse(const Variable& m) const {
  const int64_t d = dimension();
  const Variable transposed = Permute(Reshape(Lower(form_, m), {-1, d, d}), {0, 2, 1});
  return Reshape(Lower(form_, transposed), m.shape());
}

Variable MatrixGroup::ActInverse(const Variable& m, const Variable& x) const {
  return compact() ? RotateTransposed(m, x) : Rotate(Inverse(m), x);
}

Tensor MatrixGroup::Haar(const Tensor& normal) const {
  Check(compact(), name_, " is not compact: it has no uniform (Haar) distribution");
  const NoGrad no_grad;
  // The second Project removes the rounding errors that the first one leaves in the orthogonality.
  const Variable m = Reshape(Project(normal), {-1, dimension(), vectors(), dimension() / vectors()});
  return Project(Reshape(Slice(m, -1, 0, 1), normal.shape())).value();
}

}  // namespace orbit
