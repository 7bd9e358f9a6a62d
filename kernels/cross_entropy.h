// The cross entropy of rows of logits: with t = target[r], losses[r] = weight[t] (log of the sum of exp(x[r]) - x[r,
// t]), and 0 where t is `ignored`; weight may be null, for ones. T is float or double.
#ifndef ORBIT_KERNELS_CROSS_ENTROPY_H_
#define ORBIT_KERNELS_CROSS_ENTROPY_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

// x [rows, classes], target [rows], weight [classes], losses [rows]. A target that is neither a class nor `ignored`
// throws Error on the host; on a GPU, which cannot, its loss is NaN. Bytes: x once.
template <class Device, class T>
void CrossEntropyForward(Device device, int64_t rows, int64_t classes, const T* x, const int64_t* target,
                         int64_t ignored, const T* weight, T* losses);

// dx [rows, classes] = dlosses[r] weight[t] (softmax(x[r]) - 1 at t), 0 for rows that are ignored. Bytes: x and dx
// once.
template <class Device, class T>
void CrossEntropyBackward(Device device, int64_t rows, int64_t classes, const T* x, const int64_t* target,
                          int64_t ignored, const T* weight, const T* dlosses, T* dx);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CROSS_ENTROPY_H_
