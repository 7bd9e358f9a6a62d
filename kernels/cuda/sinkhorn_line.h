// Sinkhorn iterations on a line, by one warp; kernels/cpu/sinkhorn_line-inl.h has the derivation.
//
// Across the gap before sorted element k the potentials have the ratios p_k (for rows above) and q_k (for rows below),
// with p_0 = q_0 = 0. One half iteration is
//
//   x_k = p_k (1 + x_{k-1}),   y_{k-1} = q_k (1 + y_k),   s_k = 1 + x_k + y_k        x_{-1} = y_{size-1} = 0
//   p'_k = q_k s_k / s_{k-1},  q'_k = p_k s_{k-1} / s_k                              for the next half iteration.
//
// A lane owns neighbouring elements and reads and writes only these in memory; shuffles pass values between lanes.
// Every recurrence is a map x -> a x + b per element. A lane composes the maps of its elements, a scan over the lanes
// composes theirs, and a second pass over the elements computes the values.
#ifndef ORBIT_KERNELS_CUDA_SINKHORN_LINE_H_
#define ORBIT_KERNELS_CUDA_SINKHORN_LINE_H_

#include "kernels/cuda/gpu.h"

namespace orbit::kernels {
namespace {

// The elements that a lane owns: an odd number, so that lanes use different banks of shared memory.
struct Stretch {
  int begin, end, lane;

  __device__ explicit Stretch(int size) : lane(threadIdx.x % 32) {
    const int each = DivideUp(size, 32) | 1;
    begin = min(size, lane * each);
    end = min(size, begin + each);
  }
  __device__ bool empty() const { return begin == end; }
};

// Calls f(k) for the lane's elements, in ascending or descending order.
template <class F>
__device__ void Ascending(const Stretch& own, F&& f) {
  for (int k = own.begin; k < own.end; ++k) f(k);
}
template <class F>
__device__ void Descending(const Stretch& own, F&& f) {
  for (int k = own.end - 1; k >= own.begin; --k) f(k);
}

// Starting from 0, applies the maps x -> factor x + term of all lanes before this one (kUp) or after it.
template <bool kUp>
__device__ double ScanFromZero(double factor, double term) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    const double other_factor =
        kUp ? __shfl_up_sync(kAllLanes, factor, distance) : __shfl_down_sync(kAllLanes, factor, distance);
    const double other_term =
        kUp ? __shfl_up_sync(kAllLanes, term, distance) : __shfl_down_sync(kAllLanes, term, distance);
    if (kUp ? lane >= distance : lane + distance < 32) {
      term += factor * other_term;
      factor *= other_factor;
    }
  }
  const double before = kUp ? __shfl_up_sync(kAllLanes, term, 1) : __shfl_down_sync(kAllLanes, term, 1);
  return lane == (kUp ? 0 : 31) ? 0.0 : before;
}

// x_{begin-1} and y_{end-1} of a lane.
struct Bounds {
  double x, y;
};

__device__ inline Bounds BoundsOf(const Stretch& own, const double* p, const double* q) {
  double x_factor = 1, x = 0, y_factor = 1, y = 0;
  Ascending(own, [&](int k) {
    x_factor *= p[k];
    x = p[k] * (1 + x);
  });
  Descending(own, [&](int k) {
    y_factor *= q[k];
    y = q[k] * (1 + y);
  });
  return {ScanFromZero<true>(x_factor, x), ScanFromZero<false>(y_factor, y)};
}

__device__ inline void Sums(const Stretch& own, const double* p, const double* q, double* s) {
  auto [x, y] = BoundsOf(own, p, q);
  Descending(own, [&](int k) {
    s[k] = y;
    y = q[k] * (1 + y);
  });
  Ascending(own, [&](int k) {
    x = p[k] * (1 + x);
    s[k] += 1 + x;
  });
}

// Replaces p and q by those of the next half iteration, given this one's s. The map is its own inverse, so it also
// turns them back into those that the half iteration with this s received.
__device__ inline void Advance(const Stretch& own, const double* s, double* p, double* q) {
  double before = __shfl_up_sync(kAllLanes, own.empty() ? 1.0 : s[own.end - 1], 1);
  Ascending(own, [&](int k) {
    const double growth = s[k] / before, next_p = q[k] * growth, next_q = p[k] / growth;
    before = s[k];
    p[k] = next_p;
    q[k] = next_q;
  });
}

// The gradients that Backward carries; see kernels/cpu/sinkhorn_line-inl.h.
struct Adjoint {
  double *sums, *total, *difference, *weight;
  double *above, *below;  // scratch
};

// One half iteration backward, given the ratios p and q that it received, and its s.
__device__ inline void HalfIterationBackward(const Stretch& own, const double* p, const double* q, const double* s,
                                             const Adjoint& adjoint) {
  auto [x, y] = BoundsOf(own, p, q);
  double c_factor = 1, c = 0, b_factor = 1, b = 0;
  Ascending(own, [&](int k) {
    adjoint.above[k] = x = p[k] * (1 + x);
    const double o = adjoint.sums[k] / s[k];
    adjoint.sums[k] = o;
    adjoint.weight[k] += o;
    b_factor *= q[k];
    b = q[k] * b + o;
  });
  Descending(own, [&](int k) {
    adjoint.below[k] = y = q[k] * (1 + y);  // y_{k-1}
    c_factor *= p[k];
    c = p[k] * (adjoint.sums[k] + c);
  });
  b = ScanFromZero<true>(b_factor, b);
  c = ScanFromZero<false>(c_factor, c);
  Descending(own, [&](int k) {
    const double a = adjoint.sums[k] + c;
    adjoint.above[k] *= a;
    c = p[k] * a;
  });
  Ascending(own, [&](int k) {
    const double dp = adjoint.above[k], dq = adjoint.below[k] * b;
    b = q[k] * b + adjoint.sums[k];
    adjoint.total[k] += dp + dq;
    const double change = adjoint.difference[k] + dp - dq;
    adjoint.difference[k] = -change;  // negated: the previous half iteration swaps p and q
    adjoint.above[k] = change;
  });
  double after = __shfl_down_sync(kAllLanes, own.empty() ? 0.0 : adjoint.above[own.begin], 1);
  if (own.lane == 31) after = 0;
  Descending(own, [&](int k) {
    adjoint.sums[k] = adjoint.above[k] - after;
    after = adjoint.above[k];
  });
}

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_SINKHORN_LINE_H_
