// Max pooling of vector neurons (Deng et al., ICCV 2021).
#ifndef ORBIT_KERNELS_VECTOR_MAX_POOL_H_
#define ORBIT_KERNELS_VECTOR_MAX_POOL_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

// For every set and channel, selects among the m vectors the one farthest along its direction, the first of equals. x,
// direction [sets, m, 3, channels] -> y [sets, 3, channels], choice i32 [sets, channels].
template <class Device, class T>
void VectorMaxPool(Device device, int64_t sets, int64_t m, int64_t channels, const T* x, const T* direction, T* y,
                   int32_t* choice);

// dx from dy. The directions get no gradient, as the choice is piecewise constant.
template <class Device, class T>
void VectorMaxPoolBackward(Device device, int64_t sets, int64_t m, int64_t channels, const int32_t* choice, const T* dy,
                           T* dx);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_VECTOR_MAX_POOL_H_
