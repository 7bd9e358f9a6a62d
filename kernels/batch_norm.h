// Batch normalisation (Ioffe and Szegedy, ICML 2015) of the columns of a matrix, with an optional ReLU behind it.
//
//   y = f((x - mean) / sqrt(variance + eps) weight + bias),  f = max(., 0) where `relu`.
#ifndef ORBIT_KERNELS_BATCH_NORM_H_
#define ORBIT_KERNELS_BATCH_NORM_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

// mean and biased variance [channels] of the columns of x [rows, channels], rows >= 1.
template <class Device, class T>
void BatchNormStatistics(Device device, int64_t rows, int64_t channels, const T* x, T* mean, T* variance);

// running = (1 - momentum) running + momentum now, for mean and variance [channels]; the new variance is multiplied by
// `unbiased`, rows / (rows - 1).
template <class Device, class T>
void MoveStatistics(Device device, int64_t channels, T momentum, T unbiased, const T* mean, const T* variance,
                    T* running_mean, T* running_variance);

// x, y [rows, channels]; the rest [channels]. It reads and writes every element once.
template <class Device, class T>
void BatchNormForward(Device device, int64_t rows, int64_t channels, bool relu, const T* x, const T* mean,
                      const T* variance, T eps, const T* weight, const T* bias, T* y);

// From dy the gradients dx [rows, channels], dweight and dbias [channels]; y is needed for `relu` alone. In `training`
// mean and variance are those of x, and the gradient flows through them.
template <class Device, class T>
void BatchNormBackward(Device device, int64_t rows, int64_t channels, bool relu, bool training, const T* x, const T* y,
                       const T* mean, const T* variance, T eps, const T* weight, const T* dy, T* dx, T* dweight,
                       T* dbias);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_BATCH_NORM_H_
