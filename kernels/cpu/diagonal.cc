#include "kernels/diagonal.h"

#include <algorithm>

#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements per task

}  // namespace

template <class Device, class T>
void Diagonal(Device, int64_t rows, int64_t n, int64_t channels, const T* x, T* y) {
  ParallelFor(rows, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, n * channels)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t i = 0; i < n; ++i)
        std::copy_n(x + ((r * n + i) * n + i) * channels, channels, y + (r * n + i) * channels);
  });
}

template <class Device, class T>
void DiagonalEmbed(Device, int64_t rows, int64_t n, int64_t channels, const T* x, T* y) {
  const int64_t size = n * n * channels;
  ParallelFor(rows, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, size)), [&](int64_t begin, int64_t end) {
    std::fill(y + begin * size, y + end * size, T{});
    for (int64_t r = begin; r < end; ++r)
      for (int64_t i = 0; i < n; ++i)
        std::copy_n(x + (r * n + i) * channels, channels, y + ((r * n + i) * n + i) * channels);
  });
}

#define ORBIT_INSTANTIATE(T)                                            \
  template void Diagonal(Cpu, int64_t, int64_t, int64_t, const T*, T*); \
  template void DiagonalEmbed(Cpu, int64_t, int64_t, int64_t, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
