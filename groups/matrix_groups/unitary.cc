#include "groups/matrix_groups/unitary.h"

#include "engine/ops/diagonal.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/ops/rotation.h"

namespace orbit {
namespace {

// The traces of complex matrices m [rows, 2 n, 2 n]. A complex number is the real matrix [2, 2] of the multiplication
// by it: the result is [rows, 2, 2].
Variable Trace(const Variable& m) {
  const int64_t rows = m.dim(0), n = m.dim(1) / 2;
  const Variable blocks = Reshape(Permute(Reshape(m, {rows, n, 2, n, 2}), {0, 1, 3, 2, 4}), {rows, n, n, 4});
  return Reshape(Sum(Diagonal(blocks), {1}), {rows, 2, 2});
}

// The determinants, in the same form. The determinant is the last elementary symmetric polynomial e_n of the
// eigenvalues. It follows from the sums p_k of their k-th powers, which are traces, by Newton's identities k e_k = sum
// over i <= k of (-1)^(i-1) e_(k-i) p_i.
Variable Determinant(const Variable& m) {
  std::vector<Variable> p, e;  // p_1 .. p_k, e_1 .. e_k
  Variable power = m;
  for (int64_t k = 1; k <= m.dim(1) / 2; ++k) {
    if (k > 1) power = MatMul(power, m);
    p.push_back(Trace(power));
    Variable sum = k % 2 == 1 ? p.back() : Neg(p.back());
    for (int64_t i = 1; i < k; ++i) {
      const Variable term = MatMul(e[k - i - 1], p[i - 1]);
      sum = i % 2 == 1 ? Add(sum, term) : Sub(sum, term);
    }
    e.push_back(Scale(sum, 1.0 / static_cast<double>(k)));
  }
  return e.back();
}

class UnitaryGroup : public MatrixGroup {
 public:
  UnitaryGroup(int64_t n, bool special)
      : MatrixGroup((special ? "SU" : "U") + std::to_string(n), {.positive = 2 * n, .hermitian = true}),
        special_(special) {}

  // A vector and i times that vector are orthogonal as real vectors, and Gram-Schmidt preserves such pairs. So real
  // Gram-Schmidt on all pairs is complex Gram-Schmidt.
  Variable Project(const Variable& frame) const override {
    const Variable m = GramSchmidt(OverField(form(), frame), /*special=*/false);
    if (!special_) return m;
    const int64_t d = dimension();
    const Variable rows = Reshape(m, {-1, d, d});
    // The determinant has absolute value 1, so dividing by it is multiplying by its conjugate.
    const Variable last = MatMul(Slice(rows, 2, d - 2, d), Determinant(rows), /*transpose_a=*/false,
                                 /*transpose_b=*/true);
    return Reshape(Concat({Slice(rows, 2, 0, d - 2), last}, 2), m.shape());
  }

 private:
  bool special_;
};

}  // namespace

MatrixGroups UnitaryGroups() {
  MatrixGroups groups;
  for (int64_t n = 1; 2 * n <= kMaxGramSchmidt; ++n)
    for (const bool special : {false, true}) groups.push_back(std::make_unique<UnitaryGroup>(n, special));
  return groups;
}

}  // namespace orbit
