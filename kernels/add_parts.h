// A sum of arrays that lie one after the other, such as what several ranks have sent.
#ifndef ORBIT_KERNELS_ADD_PARTS_H_
#define ORBIT_KERNELS_ADD_PARTS_H_

#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/device.h"

namespace orbit::kernels {

// sum[i] = parts[0, i] + parts[1, i] + ..., for parts [count, size] of BFloat16, with at least one part, and sum
// [size], which is apart from them. The parts are added in this order in f32, and the result is rounded once. Bytes:
// parts and sum once.
template <class Device, class T>
void AddParts(Device device, int64_t count, int64_t size, const T* parts, T* sum);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_ADD_PARTS_H_
