// Sinkhorn iterations whose cost is the distance of points on a line, in linear time. Exponentials are needed only at
// the start, logarithms never. kGroup score vectors are processed side by side, one per vector lane. Included once per
// instruction set.
//
// Let t be sorted in descending order and d_i = (t_{i-1} - t_i) / tau the gap before t_i. A half iteration receives
// potentials g and produces h_i = -log sum_j exp(g_j - |t_i - t_j| / tau). The potentials enter only through their
// ratios across gap i,
//
//   p_i = exp(g_{i-1} - g_i - d_i) <= 1,   q_i = exp(g_i - g_{i-1} - d_i) <= 1      (g has Lipschitz constant 1 / tau).
//
// The sums over j < i and over j > i, both divided by the term j = i, are x_i and y_i:
//
//   x_i = p_i (1 + x_{i-1}),   y_i = q_{i+1} (1 + y_{i+1}),   s_i = 1 + x_i + y_i,   h_i = -g_i - log s_i,
//
// and the ratios of h are p'_i = q_i s_i / s_{i-1} and q'_i = p_i s_{i-1} / s_i. At the start p_i = q_i = exp(-d_i).
// The last half iteration normalises the columns of P: P_jj = 1 / s_j, and P_ij is P_jj times the product of p (if i is
// before j) or q (if i is after j) over the gaps between i and j.
//
// Backward, with the loss L, carries three numbers per entry: l_i = dL / d log s_i, and the sum and the difference of
// dL / d log p_i and dL / d log q_i. One half iteration backward is, with o = l / s,
//
//   a_i = o_i + p_{i+1} a_{i+1},   b_i = o_i + q_i b_{i-1},
//   dL / d log p_i = dL / d log q'_i + x_i a_i,   dL / d log q_i = dL / d log p'_i + y_{i-1} b_{i-1}.
//
// Arrays are [size, kGroup]: entry i of a lane is at i * kGroup + lane. Gap 0 and the gaps beyond the end of a shorter
// vector have ratio 0, which separates the padding from the vector.

#if defined(ORBIT_KERNELS_CPU_SINKHORN_LINE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORBIT_KERNELS_CPU_SINKHORN_LINE_INL_H_
#undef ORBIT_KERNELS_CPU_SINKHORN_LINE_INL_H_
#else
#define ORBIT_KERNELS_CPU_SINKHORN_LINE_INL_H_
#endif

#include <cstdint>

#include "kernels/cpu/exp-inl.h"
#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

constexpr int64_t kGroup = kLanes<double>;  // score vectors side by side

// The initial ratios, with all potentials 0, from the gaps d; a gap is infinite where there is none. Ratios that could
// underflow later are set to 0: their contribution is far below rounding.
inline void StartRatios(int64_t size, const double* gaps, double* p, double* q) {
  const Tag<double> d;
  const auto least = hn::Set(d, 1e-290);
  for (int64_t k = 0; k < size * kGroup; k += kGroup) {
    const auto gap = hn::Load(d, gaps + k);
    const auto ratio = Exp<double>(hn::Neg(gap));
    const auto flushed = hn::IfThenElse(hn::IsNaN(gap), gap, hn::IfThenZeroElse(hn::Lt(ratio, least), ratio));
    hn::Store(flushed, d, p + k);
    hn::Store(flushed, d, q + k);
  }
}

// One half iteration from the ratios p, q to next_p, next_q; inverse = 1 / s. `below` is scratch for y.
inline void HalfIteration(int64_t size, const double* HWY_RESTRICT p, const double* HWY_RESTRICT q,
                          double* HWY_RESTRICT below, double* HWY_RESTRICT next_p, double* HWY_RESTRICT next_q,
                          double* HWY_RESTRICT inverse) {
  const Tag<double> d;
  const auto one = hn::Set(d, 1.0);
  auto y = hn::Zero(d);
  for (int64_t k = (size - 1) * kGroup; k > 0; k -= kGroup) {
    hn::Store(y, d, below + k);
    const auto ratio = hn::Load(d, q + k);
    y = hn::MulAdd(ratio, y, ratio);
  }
  auto x = hn::Zero(d);
  auto s = hn::Add(one, y);
  auto inverse_s = hn::Div(one, s);
  hn::Store(inverse_s, d, inverse);
  hn::Store(x, d, next_p);
  hn::Store(x, d, next_q);
  for (int64_t k = kGroup; k < size * kGroup; k += kGroup) {
    const auto pk = hn::Load(d, p + k), qk = hn::Load(d, q + k);
    x = hn::MulAdd(pk, x, pk);
    const auto next_s = hn::Add(one, hn::Add(x, hn::Load(d, below + k)));
    const auto next_inverse = hn::Div(one, next_s);
    hn::Store(next_inverse, d, inverse + k);
    hn::Store(hn::Mul(qk, hn::Mul(next_s, inverse_s)), d, next_p + k);
    hn::Store(hn::Mul(pk, hn::Mul(s, next_inverse)), d, next_q + k);
    s = next_s;
    inverse_s = next_inverse;
  }
}

// The gradients that Backward carries from one half iteration to the previous one.
struct Adjoint {
  double *sums, *total, *difference;  // dL / d log s; dL / d log p + dL / d log q; dL / d log p - dL / d log q
  double* weight;                     // o = l / s, summed over all half iterations: the gradient of pairs at distance 0
  double *above, *below, *scaled;     // scratch: x a, y and o
};

// One half iteration backward, given the ratios p and q that it received.
inline void HalfIterationBackward(int64_t size, const double* HWY_RESTRICT p, const double* HWY_RESTRICT q,
                                  const Adjoint& adjoint) {
  const Tag<double> d;
  const auto one = hn::Set(d, 1.0);
  double* HWY_RESTRICT above = adjoint.above;
  double* HWY_RESTRICT below = adjoint.below;
  double* HWY_RESTRICT scaled = adjoint.scaled;
  double* HWY_RESTRICT sums = adjoint.sums;
  double* HWY_RESTRICT total = adjoint.total;
  double* HWY_RESTRICT difference = adjoint.difference;
  double* HWY_RESTRICT weight = adjoint.weight;

  auto x = hn::Zero(d);
  for (int64_t k = 0; k < size * kGroup; k += kGroup) {
    const auto ratio = hn::Load(d, p + k);
    x = hn::MulAdd(ratio, x, ratio);
    hn::Store(x, d, above + k);
  }
  auto y = hn::Zero(d), carried = hn::Zero(d);
  for (int64_t k = (size - 1) * kGroup; k >= 0; k -= kGroup) {
    const auto xk = hn::Load(d, above + k);
    const auto o = hn::Div(hn::Load(d, sums + k), hn::Add(one, hn::Add(xk, y)));
    hn::Store(o, d, scaled + k);
    hn::Store(hn::Add(hn::Load(d, weight + k), o), d, weight + k);
    const auto a = hn::Add(o, carried);
    hn::Store(hn::Mul(xk, a), d, above + k);
    carried = hn::Mul(hn::Load(d, p + k), a);
    const auto ratio = hn::Load(d, q + k);
    y = hn::MulAdd(ratio, y, ratio);
    hn::Store(y, d, below + k);  // y_{i-1}
  }
  auto b = hn::Load(d, scaled);
  auto previous = hn::Zero(d);
  for (int64_t k = kGroup; k < size * kGroup; k += kGroup) {
    const auto dp = hn::Load(d, above + k), dq = hn::Mul(hn::Load(d, below + k), b);
    hn::Store(hn::Add(hn::Load(d, total + k), hn::Add(dp, dq)), d, total + k);
    const auto change = hn::Add(hn::Load(d, difference + k), hn::Sub(dp, dq));
    hn::Store(hn::Neg(change), d, difference + k);  // negated: the previous half iteration swaps p and q
    hn::Store(hn::Sub(previous, change), d, sums + k - kGroup);
    previous = change;
    b = hn::MulAdd(hn::Load(d, q + k), b, hn::Load(d, scaled + k));
  }
  hn::Store(previous, d, sums + (size - 1) * kGroup);
}

}  // namespace
}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
