#include "kernels/gram_schmidt.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "kernels/error.h"
#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

constexpr int64_t kMaxDim = kMaxGramSchmidt, kGrain = 128;

void CheckDimension(int64_t dim) {
  Check(dim >= 1 && dim <= kMaxDim, "GramSchmidt: the dimension must be 1 to ", kMaxDim, ", got ", dim);
}

// The vectors of one matrix during their orthogonalisation, v before and u after it.
template <class T>
struct Frame {
  int64_t dim;
  T v[kMaxDim][kMaxDim], u[kMaxDim][kMaxDim], squared[kMaxDim];
  T coefficient[kMaxDim][kMaxDim];  // [k][l]: the projection coefficient of v_k on u_l

  T Dot(const T* a, const T* b) const {
    T sum = 0;
    for (int64_t i = 0; i < dim; ++i) sum += a[i] * b[i];
    return sum;
  }

  Frame(int64_t dim, const T* matrix) : dim(dim) {
    for (int64_t k = 0; k < dim; ++k) {
      for (int64_t i = 0; i < dim; ++i) u[k][i] = v[k][i] = matrix[i * dim + k];
      for (int64_t l = 0; l < k; ++l) {
        coefficient[k][l] = Dot(v[k], u[l]) / squared[l];
        for (int64_t i = 0; i < dim; ++i) u[k][i] -= coefficient[k][l] * u[l][i];
      }
      squared[k] = Dot(u[k], u[k]);
    }
  }

  T Norm(int64_t k) const { return std::sqrt(squared[k]); }
  T ClampedNorm(int64_t k) const { return std::max(T(1e-12), Norm(k)); }

  // The sign of the determinant, by Gaussian elimination with pivoting.
  T Orientation() const {
    T a[kMaxDim][kMaxDim], sign = 1;
    for (int64_t k = 0; k < dim; ++k)
      for (int64_t i = 0; i < dim; ++i) a[k][i] = u[k][i] / ClampedNorm(k);
    for (int64_t k = 0; k < dim; ++k) {
      int64_t pivot = k;
      for (int64_t l = k + 1; l < dim; ++l)
        if (std::abs(a[l][k]) > std::abs(a[pivot][k])) pivot = l;
      if (pivot != k) {
        std::swap(a[pivot], a[k]);
        sign = -sign;
      }
      if (a[k][k] < 0) sign = -sign;
      for (int64_t l = k + 1; l < dim; ++l) {
        const T factor = a[l][k] / a[k][k];
        for (int64_t i = k; i < dim; ++i) a[l][i] -= factor * a[k][i];
      }
    }
    return sign;
  }
};

}  // namespace

template <class Device, class T>
void GramSchmidt(Device, int64_t batch, int64_t dim, bool special, const T* v, T* r) {
  CheckDimension(dim);
  ParallelFor(batch, kGrain, [=](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const Frame<T> frame(dim, v + b * dim * dim);
      for (int64_t k = 0; k < dim; ++k) {
        const T sign = special && k == 0 ? frame.Orientation() : T(1), norm = frame.ClampedNorm(k);
        for (int64_t i = 0; i < dim; ++i) r[(b * dim + i) * dim + k] = sign * (frame.u[k][i] / norm);
      }
    }
  });
}

template <class Device, class T>
void GramSchmidtBackward(Device, int64_t batch, int64_t dim, bool special, const T* v, const T* dr, T* dv) {
  CheckDimension(dim);
  ParallelFor(batch, kGrain, [=](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const Frame<T> frame(dim, v + b * dim * dim);
      T du[kMaxDim][kMaxDim], gradient[kMaxDim];
      for (int64_t k = 0; k < dim; ++k) {
        const T sign = special && k == 0 ? frame.Orientation() : T(1), norm = frame.Norm(k),
                clamped = frame.ClampedNorm(k);
        for (int64_t i = 0; i < dim; ++i) du[k][i] = sign * dr[(b * dim + i) * dim + k] / clamped;
        if (norm < clamped) continue;  // where the norm is clamped it is a constant
        const T along = frame.Dot(du[k], frame.u[k]) / frame.squared[k];
        for (int64_t i = 0; i < dim; ++i) du[k][i] -= along * frame.u[k][i];
      }
      for (int64_t k = dim - 1; k >= 0; --k) {
        std::copy_n(du[k], dim, gradient);
        for (int64_t l = 0; l < k; ++l) {
          const T *u = frame.u[l], coefficient = frame.coefficient[k][l];
          const T slope = -frame.Dot(du[k], u) / frame.squared[l];  // dL / d (v_k . u_l)
          for (int64_t i = 0; i < dim; ++i) {
            gradient[i] += slope * u[i];
            du[l][i] += slope * (frame.v[k][i] - 2 * coefficient * u[i]) - coefficient * du[k][i];
          }
        }
        for (int64_t i = 0; i < dim; ++i) dv[(b * dim + i) * dim + k] = gradient[i];
      }
    }
  });
}

#define ORBIT_INSTANTIATE(T)                                            \
  template void GramSchmidt(Cpu, int64_t, int64_t, bool, const T*, T*); \
  template void GramSchmidtBackward(Cpu, int64_t, int64_t, bool, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
