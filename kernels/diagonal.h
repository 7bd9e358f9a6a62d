// The diagonal of features of pairs, of float, double or BFloat16. Each function is the other's transpose, hence its
// backward.
#ifndef ORBIT_KERNELS_DIAGONAL_H_
#define ORBIT_KERNELS_DIAGONAL_H_

#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/device.h"

namespace orbit::kernels {

// y[r, i, :] = x[r, i, i, :], for y [rows, n, channels] and x [rows, n, n, channels].
template <class Device, class T>
void Diagonal(Device device, int64_t rows, int64_t n, int64_t channels, const T* x, T* y);

// y[r, i, i, :] = x[r, i, :] and 0 elsewhere, for y [rows, n, n, channels] and x [rows, n, channels].
template <class Device, class T>
void DiagonalEmbed(Device device, int64_t rows, int64_t n, int64_t channels, const T* x, T* y);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_DIAGONAL_H_
