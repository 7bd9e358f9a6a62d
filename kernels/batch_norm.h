// Batch normalisation (Ioffe and Szegedy, ICML 2015) of the columns of a matrix, optionally followed by a ReLU:
//
//   y = f((x - mean) / sqrt(variance + eps) weight + bias),  f = max(., 0) if `relu`, else the identity.
#ifndef ORBIT_KERNELS_BATCH_NORM_H_
#define ORBIT_KERNELS_BATCH_NORM_H_

#include <cstdint>

#include "kernels/batch_statistics.h"
#include "kernels/device.h"

namespace orbit::kernels {

// The moments [3, channels] of x [rows, channels], rows >= 1.
template <class Device, class T>
void BatchNormMoments(Device device, int64_t rows, int64_t channels, const T* x, double* moments);

// Mean, biased variance and count of the moments [parts, 3, channels], merged in this order.
template <class Device, class T>
void MergeMoments(Device device, int64_t parts, int64_t channels, const double* moments, T* mean, T* variance,
                  double* count);

// running = (1 - momentum) running + momentum now, for mean and variance [channels]: those of the moments
// [parts, 3, channels] merged in this order, the variance unbiased.
template <class Device, class T>
void MoveStatistics(Device device, int64_t parts, int64_t channels, const double* moments, T momentum, T* running_mean,
                    T* running_variance);

// x, y [rows, channels]; all else [channels]. Bytes: x and y once.
template <class Device, class T>
void BatchNormForward(Device device, int64_t rows, int64_t channels, bool relu, const T* x,
                      const BatchStatistics<T>& statistics, const T* weight, const T* bias, T* y);

// From dy: sums [2, channels] of it, and of it times the normalised x; dbias and dweight [channels], the same. y is
// needed for `relu` alone.
template <class Device, class T>
void BatchNormGradientSums(Device device, int64_t rows, int64_t channels, bool relu, const T* x, const T* y,
                           const BatchStatistics<T>& statistics, const T* dy, double* sums, T* dweight, T* dbias);

// From dy the gradient dx [rows, channels]. The sums are those over all rows that the statistics count.
template <class Device, class T>
void BatchNormBackward(Device device, int64_t rows, int64_t channels, bool relu, const T* x, const T* y,
                       const BatchStatistics<T>& statistics, const T* weight, const T* dy, const double* sums, T* dx);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_BATCH_NORM_H_
