#include "kernels/rotate.h"

#include <algorithm>

#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

int64_t Grain(int64_t work_per_item) { return std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(1, work_per_item)); }

// y [d, channels] += op(m) x, where op transposes if `transpose`.
template <class T>
void Apply(int64_t d, int64_t channels, bool transpose, const T* m, const T* x, T* y) {
  for (int64_t i = 0; i < d; ++i)
    for (int64_t j = 0; j < d; ++j) {
      const T factor = transpose ? m[j * d + i] : m[i * d + j];
      for (int64_t c = 0; c < channels; ++c) y[i * channels + c] += factor * x[j * channels + c];
    }
}

}  // namespace

template <class Device, class T>
void RotateForward(Device, int64_t rows, int64_t repeat, int64_t points, int64_t d, int64_t channels, bool transpose,
                   const T* m, const T* x, T* y) {
  const int64_t size = points * d * channels;
  ParallelFor(rows, Grain(size * d), [&](int64_t begin, int64_t end) {
    std::fill(y + begin * size, y + end * size, T(0));
    for (int64_t r = begin; r < end; ++r)
      for (int64_t p = 0; p < points; ++p)
        Apply(d, channels, transpose, m + r * d * d, x + (r / repeat * points + p) * d * channels,
              y + (r * points + p) * d * channels);
  });
}

template <class Device, class T>
void RotateBackward(Device, int64_t rows, int64_t repeat, int64_t points, int64_t d, int64_t channels, bool transpose,
                    const T* m, const T* x, const T* dy, T* dm, T* dx) {
  const int64_t size = points * d * channels;
  if (dm)
    ParallelFor(rows, Grain(size * d), [&](int64_t begin, int64_t end) {
      std::fill(dm + begin * d * d, dm + end * d * d, T(0));
      for (int64_t r = begin; r < end; ++r)
        for (int64_t p = 0; p < points; ++p) {
          const T* a = dy + (r * points + p) * d * channels;
          const T* b = x + (r / repeat * points + p) * d * channels;
          for (int64_t i = 0; i < d; ++i)
            for (int64_t j = 0; j < d; ++j) {
              T sum = 0;
              for (int64_t c = 0; c < channels; ++c) sum += a[i * channels + c] * b[j * channels + c];
              dm[r * d * d + (transpose ? j * d + i : i * d + j)] += sum;
            }
        }
    });
  if (dx)
    ParallelFor(rows / repeat, Grain(size * d * repeat), [&](int64_t begin, int64_t end) {
      std::fill(dx + begin * size, dx + end * size, T(0));
      for (int64_t r = begin * repeat; r < end * repeat; ++r)
        for (int64_t p = 0; p < points; ++p)
          Apply(d, channels, !transpose, m + r * d * d, dy + (r * points + p) * d * channels,
                dx + (r / repeat * points + p) * d * channels);
    });
}

#define ORBIT_INSTANTIATE(T)                                                                                         \
  template void RotateForward(Cpu, int64_t, int64_t, int64_t, int64_t, int64_t, bool, const T*, const T*, T*);       \
  template void RotateBackward(Cpu, int64_t, int64_t, int64_t, int64_t, int64_t, bool, const T*, const T*, const T*, \
                               T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
