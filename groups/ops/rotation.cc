#include "groups/ops/rotation.h"

#include "engine/dispatch.h"
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
                              gradients.output().data<T>(), dm.data_or_null<T>(), dx.data_or_null<T>());
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

Variable RotateTransposed(const Variable& m, const Variable& x) { return RotateBy("RotateTransposed", m, x, true); }
Variable Rotate(const Variable& m, const Variable& x) { return RotateBy("Rotate", m, x, false); }

}  // namespace orbit
