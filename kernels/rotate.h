// Matrices acting on vectors.
#ifndef ORBIT_KERNELS_ROTATE_H_
#define ORBIT_KERNELS_ROTATE_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

// Row r of `rows` holds one matrix m [d, d]; x [rows / repeat, points, d, channels] serves `repeat` consecutive rows.
// y [rows, points, d, channels] = m x at every point and channel, or m^T x where `transpose`.
template <class Device, class T>
void RotateForward(Device device, int64_t rows, int64_t repeat, int64_t points, int64_t d, int64_t channels,
                   bool transpose, const T* m, const T* x, T* y);

// dm [rows, d, d] and dx [rows / repeat, points, d, channels] from dy; either may be null. dx sums over its rows.
template <class Device, class T>
void RotateBackward(Device device, int64_t rows, int64_t repeat, int64_t points, int64_t d, int64_t channels,
                    bool transpose, const T* m, const T* x, const T* dy, T* dm, T* dx);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_ROTATE_H_
