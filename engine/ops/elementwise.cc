#include "engine/ops/elementwise.h"

#include <algorithm>

#include "engine/dispatch.h"
#include "engine/ops/reduce.h"
#include "kernels/elementwise.h"

namespace orbit {
namespace {

using kernels::Binary;
using kernels::Unary;

Shape BroadcastShapes(const char* name, const Tensor& a, const Tensor& b) {
  const int64_t rank = std::max(a.rank(), b.rank());
  Shape shape(rank);
  for (int64_t i = 1; i <= rank; ++i) {
    const int64_t x = i <= a.rank() ? a.dim(-i) : 1, y = i <= b.rank() ? b.dim(-i) : 1;
    Check(x == y || x == 1 || y == 1, name, " cannot broadcast ", a.Describe(), " and ", b.Describe());
    shape[rank - i] = x == 1 ? y : x;
  }
  return shape;
}

// The steps through a contiguous tensor of shape `x` along the axes of `shape`.
void SetStrides(const Shape& x, const Shape& shape, std::array<int64_t, kernels::kMaxAxes>& strides) {
  int64_t stride = 1;
  for (size_t i = 1; i <= shape.size(); ++i) {
    const int64_t size = i <= x.size() ? x[x.size() - i] : 1;
    strides[shape.size() - i] = size == 1 ? 0 : stride;
    stride *= size;
  }
}

Tensor Apply(const char* name, Binary function, const Tensor& a, const Tensor& b) {
  Check(a.dtype() == b.dtype() && a.device() == b.device(), name, " of ", a.Describe(), " and ", b.Describe());
  const Shape shape = BroadcastShapes(name, a, b);
  Check(shape.size() <= kernels::kMaxAxes, name, " has at most ", kernels::kMaxAxes, " axes, got ", ToString(shape));
  kernels::Broadcast broadcast;
  broadcast.axes = static_cast<int>(shape.size());
  std::copy(shape.begin(), shape.end(), broadcast.size.begin());
  SetStrides(a.shape(), shape, broadcast.a_stride);
  SetStrides(b.shape(), shape, broadcast.b_stride);
  Tensor y = Tensor::Empty(shape, a.dtype(), a.device());
  Dispatch(name, y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::BinaryForward(device, function, broadcast, a.data<T>(), b.data<T>(), y.data<T>());
  });
  return y;
}

Tensor Apply(const char* name, Unary function, const Tensor& x, double a = 0, double b = 0) {
  Tensor y = Tensor::EmptyLike(x);
  Dispatch(name, x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::UnaryForward(device, function, x.size(), T(a), T(b), x.data<T>(), y.data<T>());
  });
  return y;
}

Variable MakeUnary(const char* name, Unary function, const Variable& x, double a = 0, double b = 0) {
  const Tensor y = Apply(name, function, x.value(), a, b);
  return MakeVariable(name, y, {x}, [=, x = x.value()](const Gradients& gradients) {
    const Tensor& dy = gradients.output();
    Tensor dx = Tensor::EmptyLike(x);
    Dispatch(name, x, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::UnaryBackward(device, function, x.size(), T(a), T(b), x.data<T>(), y.data<T>(), dy.data<T>(),
                             dx.data<T>());
    });
    gradients.Add(0, dx);
  });
}

Tensor Converted(const Tensor& x, DType dtype) {
  const auto on_device = [](DType d) { return d == DType::kF32 || d == DType::kF64; };
  if (x.dtype() == dtype || !on_device(x.dtype()) || !on_device(dtype)) return x.To(dtype);
  Tensor y = Tensor::Empty(x.shape(), dtype, x.device());
  Dispatch("Cast", x, [&]<class T>(auto device, std::type_identity<T>) {
    using To = std::conditional_t<std::is_same_v<T, float>, double, float>;
    kernels::Convert<decltype(device), T, To>(device, x.size(), x.data<T>(), y.data<To>());
  });
  return y;
}

}  // namespace

Variable Add(const Variable& a, const Variable& b) {
  return MakeVariable("Add", Apply("Add", Binary::kAdd, a.value(), b.value()), {a, b},
                      [sa = a.shape(), sb = b.shape()](const Gradients& gradients) {
                        const Tensor& dy = gradients.output();
                        if (gradients.Needs(0)) gradients.Add(0, SumToShape(dy, sa));
                        if (gradients.Needs(1)) gradients.Add(1, SumToShape(dy, sb));
                      });
}

Variable Sub(const Variable& a, const Variable& b) {
  return MakeVariable("Sub", Apply("Sub", Binary::kSubtract, a.value(), b.value()), {a, b},
                      [sa = a.shape(), sb = b.shape()](const Gradients& gradients) {
                        const Tensor& dy = gradients.output();
                        if (gradients.Needs(0)) gradients.Add(0, SumToShape(dy, sa));
                        if (gradients.Needs(1)) gradients.Add(1, Apply("Sub", Unary::kAffine, SumToShape(dy, sb), -1));
                      });
}

Variable Mul(const Variable& a, const Variable& b) {
  return MakeVariable("Mul", Apply("Mul", Binary::kMultiply, a.value(), b.value()), {a, b},
                      [a = a.value(), b = b.value()](const Gradients& gradients) {
                        const Tensor& dy = gradients.output();
                        if (gradients.Needs(0))
                          gradients.Add(0, SumToShape(Apply("Mul", Binary::kMultiply, dy, b), a.shape()));
                        if (gradients.Needs(1))
                          gradients.Add(1, SumToShape(Apply("Mul", Binary::kMultiply, dy, a), b.shape()));
                      });
}

Variable Div(const Variable& a, const Variable& b) {
  const Tensor y = Apply("Div", Binary::kDivide, a.value(), b.value());
  return MakeVariable("Div", y, {a, b}, [y, b = b.value(), sa = a.shape()](const Gradients& gradients) {
    const Tensor da = Apply("Div", Binary::kDivide, gradients.output(), b);
    if (gradients.Needs(0)) gradients.Add(0, SumToShape(da, sa));
    if (gradients.Needs(1)) {
      const Tensor db = SumToShape(Apply("Div", Binary::kMultiply, da, y), b.shape());
      gradients.Add(1, Apply("Div", Unary::kAffine, db, -1));
    }
  });
}

Variable Scale(const Variable& x, double factor) { return MakeUnary("Scale", Unary::kAffine, x, factor, 0); }
Variable AddScalar(const Variable& x, double term) { return MakeUnary("AddScalar", Unary::kAffine, x, 1, term); }
Variable Neg(const Variable& x) { return MakeUnary("Neg", Unary::kAffine, x, -1, 0); }
Variable Relu(const Variable& x) { return MakeUnary("Relu", Unary::kRelu, x); }
Variable LeakyRelu(const Variable& x, double slope) { return MakeUnary("LeakyRelu", Unary::kLeakyRelu, x, slope); }
Variable Gelu(const Variable& x) { return MakeUnary("Gelu", Unary::kGelu, x); }
Variable Silu(const Variable& x) { return MakeUnary("Silu", Unary::kSilu, x); }
Variable Tanh(const Variable& x) { return MakeUnary("Tanh", Unary::kTanh, x); }
Variable Sigmoid(const Variable& x) { return MakeUnary("Sigmoid", Unary::kSigmoid, x); }
Variable Exp(const Variable& x) { return MakeUnary("Exp", Unary::kExp, x); }
Variable Log(const Variable& x) { return MakeUnary("Log", Unary::kLog, x); }
Variable Sqrt(const Variable& x) { return MakeUnary("Sqrt", Unary::kSqrt, x); }
Variable Square(const Variable& x) { return MakeUnary("Square", Unary::kSquare, x); }
Variable Abs(const Variable& x) { return MakeUnary("Abs", Unary::kAbs, x); }
Variable Clamp(const Variable& x, double low, double high) { return MakeUnary("Clamp", Unary::kClamp, x, low, high); }

Variable Cast(const Variable& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Check(IsFloating(x.dtype()) && IsFloating(dtype), "Cast of ", x.value().Describe(), " to ", NameOf(dtype));
  return MakeVariable("Cast", Converted(x.value(), dtype), {x}, [dtype = x.dtype()](const Gradients& gradients) {
    gradients.Add(0, Converted(gradients.output(), dtype));
  });
}

}  // namespace orbit
