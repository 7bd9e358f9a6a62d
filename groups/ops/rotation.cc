#include "groups/ops/rotation.h"

#include "engine/dispatch.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/shape.h"
#include "kernels/gram_schmidt.h"
#include "kernels/rotate.h"

namespace orbit {
namespace {

Variable RotateBy(const char* name, const Variable& m, const Variable& x, bool transpose) {
  const int64_t repeat = x.rank() == 4 ? m.dim(1) : 1;
  const bool matches = m.rank() == 4 && m.dim(2) == m.dim(3) &&
                       (x.rank() == 4 || (x.rank() == 5 && x.dim(1) == m.dim(1))) && x.dim(0) == m.dim(0) &&
                       x.dim(-2) == m.dim(3) && x.dtype() == m.dtype();
  Check(matches, name, ": matrices ", m.value().Describe(), ", vectors ", x.value().Describe());
  const int64_t rows = m.dim(0) * m.dim(1), points = x.dim(-3), d = m.dim(3), channels = x.dim(-1);
  Tensor y = Tensor::Empty({m.dim(0), m.dim(1), points, d, channels}, x.dtype(), x.device());
  Dispatch(name, x.value(), [&]<class T>(auto device, std::type_identity<T>) {
    kernels::RotateForward(device, rows, repeat, points, d, channels, transpose, m.value().data<T>(),
                           x.value().data<T>(), y.data<T>());
  });
  return MakeVariable(name, y, {m, x}, [=, m = m.value(), x = x.value()](const Gradients& gradients) {
    const Tensor dm = gradients.Needs(0) ? Tensor::EmptyLike(m) : Tensor();
    const Tensor dx = gradients.Needs(1) ? Tensor::EmptyLike(x) : Tensor();
    Dispatch(name, x, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::RotateBackward(device, rows, repeat, points, d, channels, transpose, m.data<T>(), x.data<T>(),
                              gradients.output().data<T>(), dm.defined() ? dm.data<T>() : nullptr,
                              dx.defined() ? dx.data<T>() : nullptr);
    });
    if (dm.defined()) gradients.Add(0, dm);
    if (dx.defined()) gradients.Add(1, dx);
  });
}

}  // namespace

Variable GramSchmidt(const Variable& v, bool special) {
  Check(v.rank() >= 2 && v.dim(-1) == v.dim(-2), "GramSchmidt of ", v.value().Describe());
  const int64_t d = v.dim(-1), matrices = v.size() / (d * d);
  Tensor r = Tensor::EmptyLike(v.value());
  Dispatch("GramSchmidt", v.value(), [&]<class T>(auto device, std::type_identity<T>) {
    kernels::GramSchmidt(device, matrices, d, special, v.value().data<T>(), r.data<T>());
  });
  return MakeVariable("GramSchmidt", r, {v}, [=, v = v.value()](const Gradients& gradients) {
    Tensor dv = Tensor::EmptyLike(v);
    Dispatch("GramSchmidt", v, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::GramSchmidtBackward(device, matrices, d, special, v.data<T>(), gradients.output().data<T>(),
                                   dv.data<T>());
    });
    gradients.Add(0, dv);
  });
}

Tensor HaarElement(MatrixGroup group, const Tensor& normal) {
  const NoGrad no_grad;
  Variable v = normal;
  if (group == MatrixGroup::kUnitary) {
    // Column 2 k + 1 is i times column 2 k, coordinates being (real, imaginary) pairs: Gram-Schmidt in real numbers is
    // then Gram-Schmidt in complex ones, as a vector and i times it are orthogonal and stay a pair.
    const int64_t d = normal.dim(-1);
    const Variable pairs = Reshape(v, {-1, d / 2, 2, d / 2, 2});  // [matrices, coordinate, re/im, column, even/odd]
    const Variable even = Slice(pairs, -1, 0, 1);
    const Variable odd = Concat({Neg(Slice(even, 2, 1, 2)), Slice(even, 2, 0, 1)}, 2);
    v = Reshape(Concat({even, odd}, -1), normal.shape());
  }
  // Twice: the second pass takes away what rounding in the first left of orthogonality.
  return GramSchmidt(GramSchmidt(v, false), group == MatrixGroup::kSpecialOrthogonal).value();
}

Variable RotateInverse(const Variable& m, const Variable& x) { return RotateBy("RotateInverse", m, x, true); }
Variable Rotate(const Variable& m, const Variable& x) { return RotateBy("Rotate", m, x, false); }

}  // namespace orbit
