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

// The strides of a contiguous tensor of shape `x` along the axes of `shape`, to which it is broadcast.
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
  DispatchWithBF16(name, y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::BinaryForward(device, function, broadcast, a.data<T>(), b.data<T>(), y.data<T>());
  });
  return y;
}

Tensor Apply(const char* name, Unary function, const Tensor& x, double a = 0, double b = 0) {
  Tensor y = Tensor::EmptyLike(x);
  DispatchWithBF16(name, x, [&]<class T>(auto device, std::type_identity<T>) {
    using S = kernels::SumType<T>;
    kernels::UnaryForward(device, function, x.size(), S(a), S(b), x.data<T>(), y.data<T>());
  });
  return y;
}

Variable MakeUnary(const char* name, Unary function, const Variable& x, double a = 0, double b = 0) {
  const Tensor y = Apply(name, function, x.value(), a, b);
  return MakeVariable(name, y, {x}, [=, x = x.value()](const Gradients& gradients) {
    const Tensor& dy = gradients.output();
    Tensor dx = Tensor::EmptyLike(x);
    DispatchWithBF16(name, x, [&]<class T>(auto device, std::type_identity<T>) {
      using S = kernels::SumType<T>;
      kernels::UnaryBackward(device, function, x.size(), S(a), S(b), x.data<T>(), y.data<T>(), dy.data<T>(),
                             dx.data<T>());
    });
    gradients.Add(0, dx);
  });
}

// What a binary function makes of its operands, which go into the backward as it takes them.
struct Applied {
  Applied(const char* name, Binary function, const Variable& first, const Variable& second) {
    std::vector<Tensor> operands = AutocastTogether({first, second});
    a = operands[0];
    b = operands[1];
    y = Apply(name, function, a, b);
  }
  Tensor a, b, y;
};

}  // namespace

Variable Add(const Variable& a, const Variable& b) {
  return MakeVariable("Add", Applied("Add", Binary::kAdd, a, b).y, {a, b},
                      [sa = a.shape(), sb = b.shape()](const Gradients& gradients) {
                        const Tensor& dy = gradients.output();
                        if (gradients.Needs(0)) gradients.Add(0, SumToShape(dy, sa));
                        if (gradients.Needs(1)) gradients.Add(1, SumToShape(dy, sb));
                      });
}

Variable Sub(const Variable& a, const Variable& b) {
  return MakeVariable("Sub", Applied("Sub", Binary::kSubtract, a, b).y, {a, b},
                      [sa = a.shape(), sb = b.shape()](const Gradients& gradients) {
                        const Tensor& dy = gradients.output();
                        if (gradients.Needs(0)) gradients.Add(0, SumToShape(dy, sa));
                        if (gradients.Needs(1)) gradients.Add(1, Apply("Sub", Unary::kAffine, SumToShape(dy, sb), -1));
                      });
}

Variable Mul(const Variable& a, const Variable& b) {
  const Applied product("Mul", Binary::kMultiply, a, b);
  return MakeVariable("Mul", product.y, {a, b}, [a = product.a, b = product.b](const Gradients& gradients) {
    const Tensor& dy = gradients.output();
    if (gradients.Needs(0)) gradients.Add(0, SumToShape(Apply("Mul", Binary::kMultiply, dy, b), a.shape()));
    if (gradients.Needs(1)) gradients.Add(1, SumToShape(Apply("Mul", Binary::kMultiply, dy, a), b.shape()));
  });
}

Variable Div(const Variable& a, const Variable& b) {
  const Applied quotient("Div", Binary::kDivide, a, b);
  return MakeVariable("Div", quotient.y, {a, b},
                      [y = quotient.y, b = quotient.b, sa = a.shape()](const Gradients& gradients) {
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

}  // namespace orbit
