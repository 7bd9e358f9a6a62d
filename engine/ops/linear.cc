#include "engine/ops/linear.h"

#include "engine/dispatch.h"
#include "kernels/linear.h"
#include "kernels/matmul.h"

namespace orbit {
namespace {

using kernels::Transpose;

Transpose ToTranspose(bool transpose) { return transpose ? Transpose::kYes : Transpose::kNo; }

// op(a) op(b) for `batch` problems; b is shared where its stride is 0.
Tensor Product(const char* name, const Shape& shape, const Tensor& a, bool transpose_a, const Tensor& b,
               bool transpose_b, int64_t batch, int64_t m, int64_t n, int64_t k, bool shared_b = false) {
  Tensor c = Tensor::Empty(shape, a.dtype(), a.device());
  Dispatch(name, a, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::MatMul(device, ToTranspose(transpose_a), ToTranspose(transpose_b), m, n, k, a.data<T>(), b.data<T>(), T(0),
                    c.data<T>(), batch, m * k, shared_b ? 0 : k * n, m * n);
  });
  return c;
}

}  // namespace

Variable Linear(const Variable& x, const Variable& weight, const Variable& bias) {
  Check(weight.rank() == 2 && x.rank() >= 1 && x.dim(-1) == weight.dim(1) && x.dtype() == weight.dtype(), "Linear: x ",
        x.value().Describe(), ", weight ", weight.value().Describe());
  Check(!bias.defined() || bias.shape() == Shape{weight.dim(0)}, "Linear: weight ", weight.value().Describe(),
        ", bias ", bias.defined() ? bias.value().Describe() : "");
  const int64_t in = weight.dim(1), out = weight.dim(0), rows = in ? x.size() / in : 0;
  Shape shape = x.shape();
  shape.back() = out;
  Tensor y = Tensor::Empty(shape, x.dtype(), x.device());
  Dispatch("Linear", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::LinearForward(device, rows, in, out, x.value().data<T>(), weight.value().data<T>(),
                           bias.defined() ? bias.value().data<T>() : nullptr, y.data<T>());
  });
  return MakeVariable("Linear", y, {x, weight, bias},
                      [x = x.value(), w = weight.value(), rows, in, out](const Gradients& gradients) {
                        const Tensor& dy = gradients.output();
                        if (gradients.Needs(0))
                          gradients.Add(0, Product("Linear", x.shape(), dy, false, w, false, 1, rows, in, out));
                        if (!gradients.Needs(1) && !gradients.Needs(2)) return;
                        const Tensor dw = Tensor::EmptyLike(w);
                        const Tensor db = gradients.Needs(2) ? Tensor::Empty({out}, dy.dtype(), dy.device()) : Tensor();
                        Dispatch("Linear", dy, [&]<class T>(auto device, std::type_identity<T>) {
                          kernels::LinearWeightGradient(device, rows, in, out, x.data<T>(), dy.data<T>(), dw.data<T>(),
                                                        db.defined() ? db.data<T>() : nullptr);
                        });
                        gradients.Add(1, dw);
                        if (db.defined()) gradients.Add(2, db);
                      });
}

Variable MatMul(const Variable& a, const Variable& b, bool transpose_a, bool transpose_b) {
  const auto describe = [&] { return a.value().Describe() + " and " + b.value().Describe(); };
  Check(a.rank() >= 2 && b.rank() >= 2 && a.dtype() == b.dtype(), "MatMul of ", describe());
  const bool shared_b = b.rank() == 2 && a.rank() > 2;
  Shape lead(a.shape().begin(), a.shape().end() - 2);
  const int64_t m = a.dim(transpose_a ? -1 : -2), k = a.dim(transpose_a ? -2 : -1), n = b.dim(transpose_b ? -2 : -1);
  Check(b.dim(transpose_b ? -1 : -2) == k && (shared_b || lead == Shape(b.shape().begin(), b.shape().end() - 2)),
        "MatMul of ", describe());
  const int64_t batch = NumElements(lead);
  Shape shape = lead;
  shape.insert(shape.end(), {m, n});
  Tensor c = Product("MatMul", shape, a.value(), transpose_a, b.value(), transpose_b, batch, m, n, k, shared_b);
  return MakeVariable(
      "MatMul", c, {a, b},
      [a = a.value(), b = b.value(), transpose_a, transpose_b, batch, m, n, k, shared_b](const Gradients& gradients) {
        const Tensor& dc = gradients.output();
        if (gradients.Needs(0)) {
          // dA = dC op(B)^T; where A is stored transposed, its transpose op(B) dC^T.
          Tensor da = Tensor::EmptyLike(a);
          Dispatch("MatMul", a, [&]<class T>(auto device, std::type_identity<T>) {
            const int64_t b_stride = shared_b ? 0 : k * n;
            if (!transpose_a)
              kernels::MatMul(device, Transpose::kNo, ToTranspose(!transpose_b), m, k, n, dc.data<T>(), b.data<T>(),
                              T(0), da.data<T>(), batch, m * n, b_stride, m * k);
            else
              kernels::MatMul(device, ToTranspose(transpose_b), Transpose::kYes, k, m, n, b.data<T>(), dc.data<T>(),
                              T(0), da.data<T>(), batch, b_stride, m * n, m * k);
          });
          gradients.Add(0, da);
        }
        if (gradients.Needs(1)) {
          // dB = op(A)^T dC; where B is stored transposed, its transpose dC^T op(A). A shared B sums over the problems.
          Tensor db = Tensor::EmptyLike(b);
          Dispatch("MatMul", b, [&]<class T>(auto device, std::type_identity<T>) {
            const auto product = [&](const T* a, const T* dc, T* db, T beta, int64_t count) {
              if (!transpose_b)
                kernels::MatMul(device, ToTranspose(!transpose_a), Transpose::kNo, k, n, m, a, dc, beta, db, count,
                                m * k, m * n, k * n);
              else
                kernels::MatMul(device, Transpose::kYes, ToTranspose(transpose_a), n, k, m, dc, a, beta, db, count,
                                m * n, m * k, k * n);
            };
            if (!shared_b) return product(a.data<T>(), dc.data<T>(), db.data<T>(), T(0), batch);
            if (batch == 0) db.Zero();
            for (int64_t i = 0; i < batch; ++i)
              product(a.data<T>() + i * m * k, dc.data<T>() + i * m * n, db.data<T>(), i ? T(1) : T(0), 1);
          });
          gradients.Add(1, db);
        }
      });
}

}  // namespace orbit
