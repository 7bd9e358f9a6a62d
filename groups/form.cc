#include "groups/form.h"

#include "engine/ops/elementwise.h"
#include "engine/ops/shape.h"

namespace orbit {

Variable Lower(const Form& form, const Variable& x) {
  Check(x.rank() >= 2 && x.dim(-2) == form.dimension(), "a form of ", form.dimension(), " coordinates on vectors ",
        x.value().Describe());
  if (form.negative == 0) return x;
  return Concat({Slice(x, -2, 0, form.positive), Neg(Slice(x, -2, form.positive, form.dimension()))}, -2);
}

Variable OverField(const Form& form, const Variable& x) {
  if (!form.hermitian) return x;
  Check(x.rank() >= 2 && x.dim(-2) == form.dimension(), "a form of ", form.dimension(), " coordinates on vectors ",
        x.value().Describe());
  const Variable pairs = Reshape(x, {-1, 2, x.dim(-1), 1});
  const Variable times_i = Concat({Neg(Slice(pairs, 1, 1, 2)), Slice(pairs, 1, 0, 1)}, 1);
  Shape shape = x.shape();
  shape.back() *= 2;
  return Reshape(Concat({pairs, times_i}, 3), shape);
}

}  // namespace orbit
