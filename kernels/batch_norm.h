// Batch normalisation (Ioffe and Szegedy, ICML 2015) of the columns of a matrix, optionally followed by a ReLU:
//
//   y = f((x - mean) / sqrt(variance + eps) weight + bias),  f = max(., 0) if `relu`, else the identity.
#ifndef ORBIT_KERNELS_BATCH_NORM_H_
#define ORBIT_KERNELS_BATCH_NORM_H_

#include <cstdint>

#include "kernels/batch_statistics.h"
#include "kernels/device.h"

namespace orbit::kernels {

// Computes the moments [3, channels] of x [rows, channels], rows >= 1.
template <class Device, class T>
void BatchNormMoments(Device device, int64_t rows, int64_t channels, const T* x, double* moments);

// Merges moments [parts, 3, channels] in order and computes their mean, biased variance and count.
template <class Device, class T>
void MergeMoments(Device device, int64_t parts, int64_t channels, const double* moments, T* mean, T* variance,
                  double* count);

// Updates running statistics [channels]: running = (1 - momentum) running + momentum current, where current is the mean
// or the unbiased variance of moments [parts, 3, channels], merged in order.
template <class Device, class T>
void MoveStatistics(Device device, int64_t parts, int64_t channels, const double* moments, T momentum, T* running_mean,
                    T* running_variance);

// x, y [rows, channels]; all else [channels]. Bytes: x and y once.
template <class Device, class T>
void BatchNormForward(Device device, int64_t rows, int64_t channels, bool relu, const T* x,
                      const BatchStatistics<T>& statistics, const T* weight, const T* bias, T* y);

// From dy [rows, channels]: sums [2, channels] of dy and of dy times the normalised x, in double, and the same sums as
// the gradients dbias and dweight [channels]. y is read only if `relu`.
template <class Device, class T>
void BatchNormGradientSums(Device device, int64_t rows, int64_t channels, bool relu, const T* x, const T* y,
                           const BatchStatistics<T>& statistics, const T* dy, double* sums, T* dweight, T* dbias);

// The gradient dx [rows, channels] from dy. `sums` must be over all rows that the statistics count.
template <class Device, class T>
void BatchNormBackward(Device device, int64_t rows, int64_t channels, bool relu, const T* x, const T* y,
                       const BatchStatistics<T>& statistics, const T* weight, const T* dy, const double* sums, T* dx);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_BATCH_NORM_H_
