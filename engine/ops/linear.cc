#include "engine/ops/linear.h"

#include "engine/dispatch.h"
#include "engine/ops/cast.h"
#include "kernels/linear.h"
#include "kernels/matmul.h"

namespace orbit {
namespace {

using kernels::Transpose;

Transpose ToTranspose(bool transpose) { return transpose ? Transpose::kYes : Transpose::kNo; }

// start + x weight^T + bias; start and bias may be undefined, and start is so unless bias is defined.
Variable LinearOf(const char* name, const Variable& start, const Variable& x, const Variable& weight,
                  const Variable& bias) {
  const Tensor input = AutocastOperand(x);
  Check(weight.rank() == 2 && x.rank() >= 1 && x.dim(-1) == weight.dim(1) && Serves(weight, input.dtype()), name,
        ": x ", input.Describe(), ", weight ", weight.value().Describe());
  Check(!bias.defined() || (bias.shape() == Shape{weight.dim(0)} && Serves(bias, input.dtype())), name, ": weight ",
        weight.value().Describe(), ", bias ", bias.defined() ? bias.value().Describe() : "");
  const int64_t in = weight.dim(1), out = weight.dim(0), rows = in ? x.size() / in : 0;
  Shape shape = x.shape();
  shape.back() = out;
  Check(!start.defined() || start.shape() == shape, name, ": a result of ", ToString(shape), " is added to ",
        start.defined() ? start.value().Describe() : "");
  const auto in_dtype = [&](const Variable& v) { return v.defined() ? v.ValueIn(input.dtype()) : Tensor(); };
  const Tensor w = in_dtype(weight), b = in_dtype(bias), from = in_dtype(start),
               y = Tensor::Empty(shape, input.dtype(), x.device());
  DispatchWithBF16(name, y, [&]<class T>(auto device, std::type_identity<T>) {
    if (from.defined())
      kernels::LinearPlus(device, rows, in, out, input.data<const T>(), w.data<const T>(), b.data<const T>(),
                          from.data<const T>(), y.data<T>());
    else
      kernels::LinearForward(device, rows, in, out, input.data<const T>(), w.data<const T>(), b.data_or_null<const T>(),
                             y.data<T>());
  });
  return MakeVariable(name, y, {x, weight, bias, start}, [name, input, w, rows, in, out](const Gradients& gradients) {
    const Tensor& dy = gradients.output();
    const bool with_bias = gradients.Needs(2);
    const DType sums = SumDType(dy.dtype());
    if (gradients.Needs(3)) gradients.Add(3, dy);
    DispatchWithBF16(name, dy, [&]<class T>(auto device, std::type_identity<T>) {
      using S = kernels::SumType<T>;
      if (gradients.Needs(0)) {
        const Tensor dx = Tensor::EmptyLike(input);
        kernels::MatMul(device, Transpose::kNo, Transpose::kNo, rows, in, out, dy.data<T>(), w.data<const T>(), S(0),
                        dx.data<T>());
        gradients.Add(0, dx);
      }
      if (!gradients.Needs(1) && !with_bias) return;
      const Tensor dw = Tensor::Empty(w.shape(), sums, dy.device()),
                   db = with_bias ? Tensor::Empty({out}, sums, dy.device()) : Tensor();
      kernels::LinearWeightGradient(device, rows, in, out, input.data<const T>(), dy.data<T>(), dw.data<S>(),
                                    with_bias ? db.data<S>() : nullptr);
      gradients.Add(1, dw);
      if (with_bias) gradients.Add(2, db);
    });
  });
}

}  // namespace

Variable Linear(const Variable& x, const Variable& weight, const Variable& bias) {
  return LinearOf("Linear", {}, x, weight, bias);
}

Variable LinearPlus(const Variable& start, const Variable& x, const Variable& weight, const Variable& bias) {
  return LinearOf("LinearPlus", start, x, weight, bias);
}

Variable MatMul(const Variable& first, const Variable& second, bool transpose_a, bool transpose_b) {
  const Tensor a = AutocastOperand(first), b = AutocastOperand(second);
  const auto describe = [&] { return a.Describe() + " and " + b.Describe(); };
  Check(a.rank() >= 2 && b.rank() >= 2 && a.dtype() == b.dtype(), "MatMul of ", describe());
  const bool shared_b = b.rank() == 2 && a.rank() > 2;
  Shape lead(a.shape().begin(), a.shape().end() - 2);
  const int64_t m = a.dim(transpose_a ? -1 : -2), k = a.dim(transpose_a ? -2 : -1), n = b.dim(transpose_b ? -2 : -1);
  Check(b.dim(transpose_b ? -1 : -2) == k && (shared_b || lead == Shape(b.shape().begin(), b.shape().end() - 2)),
        "MatMul of ", describe());
  const int64_t batch = NumElements(lead), b_stride = shared_b ? 0 : k * n;
  Shape shape = lead;
  shape.insert(shape.end(), {m, n});
  const Tensor c = Tensor::Empty(shape, a.dtype(), a.device());
  DispatchWithBF16("MatMul", c, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::MatMul(device, ToTranspose(transpose_a), ToTranspose(transpose_b), m, n, k, a.data<T>(), b.data<T>(),
                    kernels::SumType<T>(0), c.data<T>(), batch, m * k, b_stride, m * n);
  });
  return MakeVariable("MatMul", c, {first, second}, [=](const Gradients& gradients) {
    const Tensor& dc = gradients.output();
    DispatchWithBF16("MatMul", dc, [&]<class T>(auto device, std::type_identity<T>) {
      using S = kernels::SumType<T>;
      if (gradients.Needs(0)) {
        // dA = dC op(B)^T; where A is stored transposed, its transpose op(B) dC^T.
        const Tensor da = Tensor::EmptyLike(a);
        if (!transpose_a)
          kernels::MatMul(device, Transpose::kNo, ToTranspose(!transpose_b), m, k, n, dc.data<T>(), b.data<T>(), S(0),
                          da.data<T>(), batch, m * n, b_stride, m * k);
        else
          kernels::MatMul(device, ToTranspose(transpose_b), Transpose::kYes, k, m, n, b.data<T>(), dc.data<T>(), S(0),
                          da.data<T>(), batch, b_stride, m * n, m * k);
        gradients.Add(0, da);
      }
      if (gradients.Needs(1)) {
        // dB = op(A)^T dC; where B is stored transposed, its transpose dC^T op(A). A shared B sums over the problems.
        const auto product = [&](const T* a, const T* dc, auto* db, S beta, int64_t count) {
          if (!transpose_b)
            kernels::MatMul(device, ToTranspose(!transpose_a), Transpose::kNo, k, n, m, a, dc, beta, db, count, m * k,
                            m * n, k * n);
          else
            kernels::MatMul(device, Transpose::kYes, ToTranspose(transpose_a), n, k, m, dc, a, beta, db, count, m * n,
                            m * k, k * n);
        };
        const Tensor db = Tensor::Empty(b.shape(), shared_b ? SumDType(b.dtype()) : b.dtype(), b.device());
        if (!shared_b) {
          product(a.data<T>(), dc.data<T>(), db.data<T>(), S(0), batch);
        } else {
          if (batch == 0) db.Zero();
          for (int64_t i = 0; i < batch; ++i)
            product(a.data<T>() + i * m * k, dc.data<T>() + i * m * n, db.data<S>(), S(i ? 1 : 0), 1);
        }
        gradients.Add(1, db);
      }
    });
  });
}

}  // namespace orbit
