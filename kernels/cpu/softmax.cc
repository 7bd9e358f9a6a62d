#include "kernels/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

// Calls f(offset) for every row.
template <class F>
void ForEachRow(int64_t rows, int64_t width, F&& f) {
  ParallelFor(rows, std::max<int64_t>(1, (1 << 12) / std::max<int64_t>(1, width)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) f(r * width);
  });
}

}  // namespace

template <class Device, class T>
void SoftmaxForward(Device, int64_t rows, int64_t width, const T* x, T* y) {
  using S = SumType<T>;
  if (width == 0) return;
  ForEachRow(rows, width, [=](int64_t row) {
    S largest = ToSumType(x[row]), sum = 0;
    for (int64_t c = 1; c < width; ++c) {
      const S value = ToSumType(x[row + c]);
      if (std::isnan(value) || largest < value) largest = value;  // a NaN stays the largest
    }
    if (largest == -std::numeric_limits<S>::infinity()) {
      std::fill_n(y + row, width, T{});
      return;
    }
    for (int64_t c = 0; c < width; ++c) sum += std::exp(ToSumType(x[row + c]) - largest);
    for (int64_t c = 0; c < width; ++c) y[row + c] = FromSumType<T>(std::exp(ToSumType(x[row + c]) - largest) / sum);
  });
}

template <class Device, class T>
void SoftmaxBackward(Device, int64_t rows, int64_t width, const T* y, const T* dy, T* dx) {
  using S = SumType<T>;
  ForEachRow(rows, width, [=](int64_t row) {
    S along = 0;
    for (int64_t c = 0; c < width; ++c) along += ToSumType(y[row + c]) * ToSumType(dy[row + c]);
    for (int64_t c = 0; c < width; ++c)
      dx[row + c] = FromSumType<T>(ToSumType(y[row + c]) * (ToSumType(dy[row + c]) - along));
  });
}

#define ORBIT_INSTANTIATE(T)                                         \
  template void SoftmaxForward(Cpu, int64_t, int64_t, const T*, T*); \
  template void SoftmaxBackward(Cpu, int64_t, int64_t, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
