// The softmax of rows: y = exp(x) / the sum of exp(x). T is float, double, or BFloat16, whose sums are in float.
#ifndef ORBIT_KERNELS_SOFTMAX_H_
#define ORBIT_KERNELS_SOFTMAX_H_

#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/device.h"

namespace orbit::kernels {

// x, y [rows, width]; 0 for a row of -infinity alone, which has nothing to choose from. Bytes: x and y once.
template <class Device, class T>
void SoftmaxForward(Device device, int64_t rows, int64_t width, const T* x, T* y);

// dx = y (dy - y . dy). Bytes: y, dy and dx once.
template <class Device, class T>
void SoftmaxBackward(Device device, int64_t rows, int64_t width, const T* y, const T* dy, T* dx);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_SOFTMAX_H_
