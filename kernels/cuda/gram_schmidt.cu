#include <string>
#include <utility>

#include "kernels/cuda/gpu.h"
#include "kernels/error.h"
#include "kernels/gram_schmidt.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 128;

// The vectors of one matrix during their orthogonalisation, in registers.
template <class T, int kDim>
struct Frame {
  T v[kDim][kDim], u[kDim][kDim], squared[kDim];
  T coefficient[kDim][kDim];  // [k][l]: the projection coefficient of v_k on u_l

  static __device__ T Dot(const T (&a)[kDim], const T (&b)[kDim]) {
    T sum = 0;
#pragma unroll
    for (int i = 0; i < kDim; ++i) sum += a[i] * b[i];
    return sum;
  }

  __device__ explicit Frame(const T* matrix) {
#pragma unroll
    for (int k = 0; k < kDim; ++k) {
#pragma unroll
      for (int i = 0; i < kDim; ++i) u[k][i] = v[k][i] = matrix[i * kDim + k];
#pragma unroll
      for (int l = 0; l < k; ++l) {
        coefficient[k][l] = Dot(v[k], u[l]) / squared[l];
#pragma unroll
        for (int i = 0; i < kDim; ++i) u[k][i] -= coefficient[k][l] * u[l][i];
      }
      squared[k] = Dot(u[k], u[k]);
    }
  }

  __device__ T Norm(int k) const { return sqrt(squared[k]); }
  __device__ T ClampedNorm(int k) const { return max(T(1e-12), Norm(k)); }

  // The sign of the determinant, by Gaussian elimination; each row swap brings up the larger pivot.
  __device__ T Orientation() const {
    T a[kDim][kDim], sign = 1;
#pragma unroll
    for (int k = 0; k < kDim; ++k)
#pragma unroll
      for (int i = 0; i < kDim; ++i) a[k][i] = u[k][i] / ClampedNorm(k);
#pragma unroll
    for (int k = 0; k < kDim; ++k) {
#pragma unroll
      for (int l = k + 1; l < kDim; ++l) {
        const bool larger = abs(a[l][k]) > abs(a[k][k]);
        if (larger) sign = -sign;
#pragma unroll
        for (int i = k; i < kDim; ++i) {
          const T upper = larger ? a[l][i] : a[k][i], lower = larger ? a[k][i] : a[l][i];
          a[k][i] = upper;
          a[l][i] = lower;
        }
        const T factor = a[l][k] / a[k][k];
#pragma unroll
        for (int i = k; i < kDim; ++i) a[l][i] -= factor * a[k][i];
      }
      if (a[k][k] < 0) sign = -sign;
    }
    return sign;
  }
};

// A thread per matrix. Bytes: forward v and r once; backward v, dr and dv once.
template <class T, int kDim>
__global__ void __launch_bounds__(kThreads) Forward(int64_t batch, bool special, const T* v, T* r) {
  const int64_t b = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (b >= batch) return;
  const Frame<T, kDim> frame(v + b * kDim * kDim);
  const T orientation = special ? frame.Orientation() : T(1);
#pragma unroll
  for (int k = 0; k < kDim; ++k)
#pragma unroll
    for (int i = 0; i < kDim; ++i)
      r[(b * kDim + i) * kDim + k] = (k == 0 ? orientation : T(1)) * (frame.u[k][i] / frame.ClampedNorm(k));
}

template <class T, int kDim>
__global__ void __launch_bounds__(kThreads) Backward(int64_t batch, bool special, const T* v, const T* dr, T* dv) {
  const int64_t b = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (b >= batch) return;
  const Frame<T, kDim> frame(v + b * kDim * kDim);
  const T orientation = special ? frame.Orientation() : T(1);
  T du[kDim][kDim];
#pragma unroll
  for (int k = 0; k < kDim; ++k) {
    const T norm = frame.Norm(k), clamped = frame.ClampedNorm(k), sign = k == 0 ? orientation : T(1);
#pragma unroll
    for (int i = 0; i < kDim; ++i) du[k][i] = sign * dr[(b * kDim + i) * kDim + k] / clamped;
    // Where the norm is clamped it is a constant.
    const T along = norm < clamped ? T(0) : frame.Dot(du[k], frame.u[k]) / frame.squared[k];
#pragma unroll
    for (int i = 0; i < kDim; ++i) du[k][i] -= along * frame.u[k][i];
  }
#pragma unroll
  for (int k = kDim - 1; k >= 0; --k) {
    T gradient[kDim];
#pragma unroll
    for (int i = 0; i < kDim; ++i) gradient[i] = du[k][i];
#pragma unroll
    for (int l = 0; l < k; ++l) {
      const T coefficient = frame.coefficient[k][l];
      const T slope = -frame.Dot(du[k], frame.u[l]) / frame.squared[l];  // dL / d (v_k . u_l)
#pragma unroll
      for (int i = 0; i < kDim; ++i) {
        gradient[i] += slope * frame.u[l][i];
        du[l][i] += slope * (frame.v[k][i] - 2 * coefficient * frame.u[l][i]) - coefficient * du[k][i];
      }
    }
#pragma unroll
    for (int i = 0; i < kDim; ++i) dv[(b * kDim + i) * kDim + k] = gradient[i];
  }
}

// Calls f.template operator()<kDim>() for `dim`.
template <class F>
void ForDimension(int64_t dim, F&& f) {
  const bool known = [&]<int... kLess>(std::integer_sequence<int, kLess...>) {
    return ((dim == kLess + 1 ? (f.template operator()<kLess + 1>(), true) : false) || ...);
  }
  (std::make_integer_sequence<int, kMaxGramSchmidt>());
  Check(known, "GramSchmidt: the dimension must be 1 to ", kMaxGramSchmidt, ", got ", dim);
}

}  // namespace

template <class Device, class T>
void GramSchmidt(Device gpu, int64_t batch, int64_t dim, bool special, const T* v, T* r) {
  ForDimension(dim, [&]<int kDim>() {
    if (batch == 0) return;
    Launch("GramSchmidt", gpu, dim3(DivideUp<int64_t>(batch, kThreads)), dim3(kThreads), 0, Forward<T, kDim>, batch,
           special, v, r);
  });
}

template <class Device, class T>
void GramSchmidtBackward(Device gpu, int64_t batch, int64_t dim, bool special, const T* v, const T* dr, T* dv) {
  ForDimension(dim, [&]<int kDim>() {
    if (batch == 0) return;
    Launch("GramSchmidtBackward", gpu, dim3(DivideUp<int64_t>(batch, kThreads)), dim3(kThreads), 0, Backward<T, kDim>,
           batch, special, v, dr, dv);
  });
}

#define ORBIT_INSTANTIATE(T)                                            \
  template void GramSchmidt(Gpu, int64_t, int64_t, bool, const T*, T*); \
  template void GramSchmidtBackward(Gpu, int64_t, int64_t, bool, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
