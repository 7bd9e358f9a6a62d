// Random numbers from Philox 4x32-10 with key `seed` and counter (index / 4, stream number): number `index` uses word
// index % 4 of the block, for float and double alike.
#ifndef ORBIT_KERNELS_RANDOM_H_
#define ORBIT_KERNELS_RANDOM_H_

#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/device.h"

namespace orbit::kernels {

// The stream `number` of a seed. If `base` is not null, the stream number is *base + number, read in device memory when
// the numbers are drawn, so that a captured draw gives new numbers on every replay.
struct RandomStream {
  uint64_t seed, number;
  const int64_t* base = nullptr;
};

// Which numbers of a stream an array [rows, size] gets: row r gets `size` numbers from first + r * stride on.
struct StreamSlice {
  int64_t first, rows, size, stride;
};

// x[i] = low + (high - low) u with u = (word >> 8) / 2^24 in [0, 1), where `word` belongs to element i.
template <class Device, class T>
void FillUniform(Device device, RandomStream stream, const StreamSlice& slice, T low, T high, T* x);

// x[i] = mean + deviation z by Box-Muller: the words a, b of numbers 2j, 2j + 1 give the uniforms u = (a + 1) / 2^32
// and v = b / 2^32, and z = sqrt(-2 log u) cos(2 pi v) for number 2j, sqrt(-2 log u) sin(2 pi v) for number 2j + 1.
template <class Device, class T>
void FillNormal(Device device, RandomStream stream, const StreamSlice& slice, T mean, T deviation, T* x);

// y[i] = x[i] / (1 - p) where the uniform number of element i is at least p, else 0; 0 <= p < 1. The same call on a
// gradient is the backward. Of bf16 too.
template <class Device, class T>
void Dropout(Device device, RandomStream stream, const StreamSlice& slice, double p, const T* x, T* y);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_RANDOM_H_
