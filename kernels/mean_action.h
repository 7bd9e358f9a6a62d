// The mean over samples of results transformed by group elements: x [batch, samples, n, d, channels] -> y
// [batch, n, d, channels],
//
//   y[i] = 1 / samples * sum over s of m_s x_s[ranks_s[i]].
//
// m [batch, samples, d, d] acts on vectors; null stands for the identity. Permutations are as in kernels/permute.h:
// ranks [batch, samples, n] is the rank of every node and index its inverse; both are null without a permutation.
#ifndef ORBIT_KERNELS_MEAN_ACTION_H_
#define ORBIT_KERNELS_MEAN_ACTION_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

struct MeanActionShape {
  int64_t batch, samples, n, d, channels;

  constexpr int64_t rows() const { return batch * samples; }
  constexpr int64_t row_size() const { return n * d * channels; }
};

// Bytes: x once, y once.
template <class Device, class T>
void MeanAction(Device device, const MeanActionShape& shape, const int32_t* ranks, const T* m, const T* x, T* y);

// From dy: dx, dm and dsoft [batch, samples, n, n], the straight-through gradient of the permutations, with one row per
// node and one column per rank. Each may be null. Bytes: x, dx and dsoft once; dy stays in cache.
template <class Device, class T>
void MeanActionBackward(Device device, const MeanActionShape& shape, const int32_t* index, const T* m, const T* x,
                        const T* dy, T* dx, T* dm, T* dsoft);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_MEAN_ACTION_H_
