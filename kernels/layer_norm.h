// Layer normalisation (Ba, Kiros, Hinton 2016) of the rows of a matrix:
//
//   y = (x - mean) / sqrt(variance + eps) weight + bias,   with each row's mean and biased variance.
#ifndef ORBIT_KERNELS_LAYER_NORM_H_
#define ORBIT_KERNELS_LAYER_NORM_H_

#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/device.h"

namespace orbit::kernels {

// x, y [rows, width]; weight, bias [width]. T is float, double or BFloat16. Bytes: x and y once.
template <class Device, class T>
void LayerNormForward(Device device, int64_t rows, int64_t width, SumType<T> eps, const T* x, const SumType<T>* weight,
                      const SumType<T>* bias, T* y);

// From dy the gradients dx [rows, width], dweight and dbias [width]; what Forward computed of x is computed again. If
// start [rows, width] is not null, it is added to dx: the gradient that x receives from the residual branch beside the
// layer. Start and dy may be dx. Bytes: x, dy and dx once, and start. On GPUs a block keeps two rows in shared memory:
// Error beyond a width of 28,928 (float) or 14,464 (double) on compute capability 9.0.
template <class Device, class T>
void LayerNormBackward(Device device, int64_t rows, int64_t width, SumType<T> eps, const T* x, const SumType<T>* weight,
                       const T* dy, const T* start, T* dx, SumType<T>* dweight, SumType<T>* dbias);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_LAYER_NORM_H_
