#include "kernels/vector_max_pool.h"

#include <algorithm>
#include <vector>

#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

constexpr int64_t kSets = 64;  // per task

}  // namespace

template <class Device, class T>
void VectorMaxPool(Device, int64_t sets, int64_t m, int64_t channels, const T* x, const T* direction, T* y,
                   int32_t* choice) {
  const int64_t size = 3 * channels;
  ParallelFor(sets, kSets, [&](int64_t begin, int64_t end) {
    std::vector<T> best(channels);
    for (int64_t s = begin; s < end; ++s) {
      int32_t* chosen = choice + s * channels;
      for (int64_t j = 0; j < m; ++j) {
        const T* v = x + (s * m + j) * size;
        const T* d = direction + (s * m + j) * size;
        for (int64_t c = 0; c < channels; ++c) {
          const T reach = v[c] * d[c] + v[channels + c] * d[channels + c] + v[2 * channels + c] * d[2 * channels + c];
          if (j > 0 && !(reach > best[c])) continue;
          best[c] = reach;
          chosen[c] = static_cast<int32_t>(j);
        }
      }
      for (int64_t axis = 0; axis < 3; ++axis)
        for (int64_t c = 0; c < channels; ++c)
          y[s * size + axis * channels + c] = x[(s * m + chosen[c]) * size + axis * channels + c];
    }
  });
}

template <class Device, class T>
void VectorMaxPoolBackward(Device, int64_t sets, int64_t m, int64_t channels, const int32_t* choice, const T* dy,
                           T* dx) {
  const int64_t size = 3 * channels;
  ParallelFor(sets, kSets, [&](int64_t begin, int64_t end) {
    std::fill(dx + begin * m * size, dx + end * m * size, T(0));
    for (int64_t s = begin; s < end; ++s)
      for (int64_t axis = 0; axis < 3; ++axis)
        for (int64_t c = 0; c < channels; ++c)
          dx[(s * m + choice[s * channels + c]) * size + axis * channels + c] = dy[s * size + axis * channels + c];
  });
}

#define ORBIT_INSTANTIATE(T)                                                                     \
  template void VectorMaxPool(Cpu, int64_t, int64_t, int64_t, const T*, const T*, T*, int32_t*); \
  template void VectorMaxPoolBackward(Cpu, int64_t, int64_t, int64_t, const int32_t*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
