// Gram-Schmidt orthogonalisation of the columns of small matrices; with `special` the result is a rotation.
#ifndef ORBIT_KERNELS_GRAM_SCHMIDT_H_
#define ORBIT_KERNELS_GRAM_SCHMIDT_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

inline constexpr int64_t kMaxGramSchmidt = 8;

// v, r [batch, dim, dim], one vector per column, with 1 <= dim <= kMaxGramSchmidt, else Error.
// u_k = v_k - sum over l < k of (v_k . u_l) / (u_l . u_l) u_l, then r_k = u_k / max(|u_k|, 1e-12).
// If `special`, r_0 is multiplied by the determinant, 1 or -1, so that r is a rotation.
template <class Device, class T>
void GramSchmidt(Device device, int64_t batch, int64_t dim, bool special, const T* v, T* r);

// dv from dr. The determinant is treated as a constant. That is exact: its derivative at an orthonormal r is, in every
// column, a multiple of that column, and normalising the columns removes this component.
template <class Device, class T>
void GramSchmidtBackward(Device device, int64_t batch, int64_t dim, bool special, const T* v, const T* dr, T* dv);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_GRAM_SCHMIDT_H_
