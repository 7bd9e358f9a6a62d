#include "groups/matrix_groups/lorentz.h"

#include <limits>
#include <sstream>

#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/ops/rotation.h"

namespace orbit {
namespace {

// Twice the largest relative rounding error.
double RoundingOf(DType dtype) {
  return dtype == DType::kF64 ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
}

// The sign of x, 1 or -1.
Tensor Sign(const Tensor& x) {
  const NoGrad no_grad;
  return Div(x, Abs(x)).value();
}

class LorentzGroup : public MatrixGroup {
 public:
  LorentzGroup(int64_t d, bool special)
      : MatrixGroup((special ? "SO+1," : "O1,") + std::to_string(d), {.positive = 1, .negative = d}),
        special_(special) {}

  // After a boost into the rest frame of the first vector, the components of the other vectors that are orthogonal to
  // it are their spatial parts, on which Minkowski's Gram-Schmidt is the ordinary one. All in f64, because a boost
  // magnifies rounding errors.
  Variable Project(const Variable& frame) const override {
    const int64_t d = dimension() - 1;
    Check(frame.rank() >= 2 && frame.dim(-1) == d + 1, name(), " has frames of ", d + 1, " vectors, got ",
          frame.value().Describe());
    const Variable v = Cast(Reshape(frame, {-1, d + 1, d + 1}), DType::kF64);
    const Variable first = Slice(v, 2, 0, 1), others = Slice(v, 2, 1, d + 1);
    const Variable squared = Sum(Mul(first, Lower(form(), first)), {1}, /*keepdim=*/true);
    CheckExceeds(squared, Scale(Sum(Square(first), {1}, true), 4 * RoundingOf(frame.dtype())), v,
                 "the first vector is not timelike");

    // The velocity u = (gamma, b) and the boost that takes it from rest, [gamma, b^T; b, 1 + b b^T / (1 + gamma)].
    const Tensor time = Sign(Slice(first, 1, 0, 1).value());  // [rows, 1, 1]: future or past
    const Variable u = Div(Mul(first, time), Sqrt(squared));
    const Variable gamma = Slice(u, 1, 0, 1), b = Slice(u, 1, 1, d + 1);
    const Variable scaled = Div(b, AddScalar(gamma, 1));
    const Variable t = Slice(others, 1, 0, 1), x = Slice(others, 1, 1, d + 1);  // [rows, 1, d], [rows, d, d]
    const Variable at_rest = Add(x, Mul(b, Sub(MatMul(scaled, x, /*transpose_a=*/true), t)));
    const Variable rotation = GramSchmidt(at_rest, special_);
    CheckExceeds(Residuals(rotation, at_rest),
                 Scale(Mul(gamma, Sqrt(Sum(Square(others), {1}, true))), 100 * RoundingOf(DType::kF64)), v,
                 "the vectors do not span");

    const Variable boosted_t = MatMul(b, rotation, /*transpose_a=*/true);
    const Variable boosted = Concat({boosted_t, Add(rotation, Mul(scaled, boosted_t))}, 1);
    const Variable m = Concat({special_ ? u : Mul(u, time), boosted}, 2);
    return Cast(Reshape(m, frame.shape()), frame.dtype());
  }

  Tensor Random(const Tensor& normal) const override {
    const NoGrad no_grad;
    const int64_t d = dimension() - 1;
    const Variable v = Reshape(normal, {-1, d + 1, d + 1});
    // The first column of the noise gives a boost along its spatial direction, with rapidity 2 tanh of its first
    // number.
    const Variable grown = Exp(Scale(Tanh(Slice(Slice(v, 2, 0, 1), 1, 0, 1)), 2)),
                   shrunk = Div(Tensor::Full({1}, 1, v.dtype(), v.device()), grown);
    const Variable x = Slice(Slice(v, 2, 0, 1), 1, 1, d + 1);
    const Variable direction = Div(x, Sqrt(Sum(Square(x), {1}, true)));
    const Variable u = Concat({Scale(Add(grown, shrunk), 0.5), Mul(direction, Scale(Sub(grown, shrunk), 0.5))}, 1);
    const Variable others = Slice(v, 2, 1, d + 1);
    const Tensor time = Sign(Slice(Slice(others, 2, 0, 1), 1, 0, 1).value());
    return Project(Reshape(Concat({Mul(u, time), others}, 2), normal.shape())).value();
  }

 private:
  // The lengths [rows, 1, d] of the vectors, the columns of `vectors` [rows, d, d], without their components along the
  // previous columns of `rotation`.
  static Variable Residuals(const Variable& rotation, const Variable& vectors) {
    const NoGrad no_grad;
    const int64_t d = vectors.dim(2);
    std::vector<double> is_before(d * d, 0.0);
    for (int64_t l = 0; l < d; ++l)
      for (int64_t k = l + 1; k < d; ++k) is_before[l * d + k] = 1;
    const Variable parts =
        Mul(MatMul(rotation, vectors, /*transpose_a=*/true), Tensor::From(is_before, {d, d}, vectors.device()));
    return Sqrt(Sum(Square(Sub(vectors, MatMul(rotation, parts))), {1}, /*keepdim=*/true));
  }

  // Throws Error for the first of the frames [rows, d + 1, d + 1] with a value [rows, 1, any] that is not above its
  // bound.
  void CheckExceeds(const Variable& values, const Variable& bounds, const Variable& frames, const char* what) const {
    const NoGrad no_grad;
    const Tensor margins = Sub(values, bounds).value();
    const std::vector<double> on_host = margins.ToVector<double>();
    for (size_t i = 0; i < on_host.size(); ++i) {
      if (on_host[i] > 0) continue;
      const int64_t row = static_cast<int64_t>(i) / margins.dim(2);
      std::ostringstream frame;
      for (const double value : frames.value().Rows(row, row + 1).ToVector<double>()) frame << " " << value;
      Fail(name(), ": ", what, " of frame ", row, ", rows of coordinates, a vector a column:", frame.str());
    }
  }

  bool special_;
};

}  // namespace

MatrixGroups LorentzGroups() {
  MatrixGroups groups;
  for (int64_t d = 1; d <= kMaxGramSchmidt; ++d)
    for (const bool special : {false, true}) groups.push_back(std::make_unique<LorentzGroup>(d, special));
  return groups;
}

}  // namespace orbit
