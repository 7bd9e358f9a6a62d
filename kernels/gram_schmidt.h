// Gram-Schmidt over the columns of small matrices: three vectors to a rotation.
#ifndef ORBIT_KERNELS_GRAM_SCHMIDT_H_
#define ORBIT_KERNELS_GRAM_SCHMIDT_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

inline constexpr int64_t kMaxGramSchmidt = 8;

// v, r [batch, dim, dim] (rows of coordinates, a vector per column), 1 <= dim <= kMaxGramSchmidt or Error.
// u_k = v_k - sum over l < k of (v_k . u_l) / (u_l . u_l) u_l, then r_k = u_k / max(|u_k|, 1e-12).
// special: r_0 is multiplied by the determinant, 1 or -1, so that r is a rotation.
template <class Device, class T>
void GramSchmidt(Device device, int64_t batch, int64_t dim, bool special, const T* v, T* r);

// dv from dr. The determinant counts as a constant, which is exact: its derivative in an orthonormal r is a multiple of
// every column along itself, and that is what normalising the columns removes.
template <class Device, class T>
void GramSchmidtBackward(Device device, int64_t batch, int64_t dim, bool special, const T* v, const T* dr, T* dv);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_GRAM_SCHMIDT_H_
