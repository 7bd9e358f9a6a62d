#include "kernels/cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "kernels/error.h"
#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

// Calls f(r, x[r], t) for every row.
template <class T, class F>
void ForEachRow(int64_t rows, int64_t classes, const T* x, const int64_t* target, F&& f) {
  ParallelFor(rows, std::max<int64_t>(1, (1 << 12) / std::max<int64_t>(1, classes)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) f(r, x + r * classes, target[r]);
  });
}

template <class T>
T LogSumExp(int64_t classes, const T* x) {
  const T largest = *std::max_element(x, x + classes);
  T sum = 0;
  for (int64_t c = 0; c < classes; ++c) sum += std::exp(x[c] - largest);
  return largest + std::log(sum);
}

}  // namespace

template <class Device, class T>
void CrossEntropyForward(Device, int64_t rows, int64_t classes, const T* x, const int64_t* target, int64_t ignored,
                         const T* weight, T* losses) {
  ForEachRow(rows, classes, x, target, [&](int64_t r, const T* row, int64_t t) {
    Check(t == ignored || (t >= 0 && t < classes), "target ", t, " of row ", r, " is none of ", classes, " classes");
    losses[r] = t == ignored ? T(0) : (weight ? weight[t] : T(1)) * (LogSumExp(classes, row) - row[t]);
  });
}

template <class Device, class T>
void CrossEntropyBackward(Device, int64_t rows, int64_t classes, const T* x, const int64_t* target, int64_t ignored,
                          const T* weight, const T* dlosses, T* dx) {
  ForEachRow(rows, classes, x, target, [&](int64_t r, const T* row, int64_t t) {
    T* gradient = dx + r * classes;
    if (t == ignored) {
      std::fill_n(gradient, classes, T(0));
      return;
    }
    const T factor = dlosses[r] * (weight ? weight[t] : T(1)), log_sum = LogSumExp(classes, row);
    for (int64_t c = 0; c < classes; ++c) gradient[c] = factor * (std::exp(row[c] - log_sum) - (c == t ? T(1) : T(0)));
  });
}

#define ORBIT_INSTANTIATE(T)                                                                                 \
  template void CrossEntropyForward(Cpu, int64_t, int64_t, const T*, const int64_t*, int64_t, const T*, T*); \
  template void CrossEntropyBackward(Cpu, int64_t, int64_t, const T*, const int64_t*, int64_t, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
