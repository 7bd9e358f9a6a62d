// The diagonal of features of pairs, of float, double or BFloat16. Each function is the other's transpose, hence its
// backward.
#ifndef ORBIT_KERNELS_DIAGONAL_H_
#define ORBIT_KERNELS_DIAGONAL_H_

#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/device.h"

namespace orbit::kernels {

// y [rows, n, channels] = x [rows, n, n, channels] where both nodes are the same.
template <class Device, class T>
void Diagonal(Device device, int64_t rows, int64_t n, int64_t channels, const T* x, T* y);

// y [rows, n, n, channels] = x [rows, n, channels] where both nodes are the same, 0 elsewhere.
template <class Device, class T>
void DiagonalEmbed(Device device, int64_t rows, int64_t n, int64_t channels, const T* x, T* y);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_DIAGONAL_H_
