// Matrices acting on vectors, one matrix per row.
#ifndef ORBIT_KERNELS_ROTATE_H_
#define ORBIT_KERNELS_ROTATE_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

// y [rows, points, d, channels] = m x (m^T x if `transpose`) for every point and channel. m is [rows, d, d]; each of
// the x [rows / repeat, points, d, channels] serves `repeat` consecutive rows.
template <class Device, class T>
void RotateForward(Device device, int64_t rows, int64_t repeat, int64_t points, int64_t d, int64_t channels,
                   bool transpose, const T* m, const T* x, T* y);

// dm [rows, d, d] and dx [rows / repeat, points, d, channels] from dy; either may be null. dx sums over the rows that
// share an x.
template <class Device, class T>
void RotateBackward(Device device, int64_t rows, int64_t repeat, int64_t points, int64_t d, int64_t channels,
                    bool transpose, const T* m, const T* x, const T* dy, T* dm, T* dx);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_ROTATE_H_
