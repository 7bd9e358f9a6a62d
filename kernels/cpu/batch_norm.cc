#include "kernels/batch_norm.h"

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cpu/parallel.h"

namespace orbit::kernels {
namespace {

// Rows whose sums are taken in T before they join those of the others in double precision.
constexpr int64_t kRows = 128;

// Calls add(row, sums) for all rows, sums being [count] partial sums, and returns their totals.
template <class T, class Add>
std::vector<double> SumRows(int64_t rows, int64_t count, Add add) {
  const int64_t chunks = NumChunks(rows, kRows);
  std::vector<T> partial(chunks * count, T(0));
  ParallelFor(rows, kRows, [&](int64_t begin, int64_t end) {
    T* sums = &partial[begin / kRows * count];
    for (int64_t r = begin; r < end; ++r) add(r, sums);
  });
  std::vector<double> totals(count, 0.0);
  for (int64_t chunk = 0; chunk < chunks; ++chunk)
    for (int64_t i = 0; i < count; ++i) totals[i] += static_cast<double>(partial[chunk * count + i]);
  return totals;
}

template <class T>
std::vector<T> Scales(int64_t channels, const T* variance, T eps) {
  std::vector<T> scales(channels);
  for (int64_t c = 0; c < channels; ++c) scales[c] = T(1) / std::sqrt(variance[c] + eps);
  return scales;
}

}  // namespace

template <class Device, class T>
void BatchNormStatistics(Device, int64_t rows, int64_t channels, const T* x, T* mean, T* variance) {
  const std::vector<double> sums = SumRows<T>(rows, channels, [&](int64_t r, T* sums) {
    for (int64_t c = 0; c < channels; ++c) sums[c] += x[r * channels + c];
  });
  for (int64_t c = 0; c < channels; ++c) mean[c] = T(sums[c] / static_cast<double>(rows));
  const std::vector<double> squares = SumRows<T>(rows, channels, [&](int64_t r, T* sums) {
    for (int64_t c = 0; c < channels; ++c) {
      const T difference = x[r * channels + c] - mean[c];
      sums[c] += difference * difference;
    }
  });
  for (int64_t c = 0; c < channels; ++c) variance[c] = T(squares[c] / static_cast<double>(rows));
}

template <class Device, class T>
void MoveStatistics(Device, int64_t channels, T momentum, T unbiased, const T* mean, const T* variance, T* running_mean,
                    T* running_variance) {
  for (int64_t c = 0; c < channels; ++c) {
    running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean[c];
    running_variance[c] = (1 - momentum) * running_variance[c] + momentum * unbiased * variance[c];
  }
}

template <class Device, class T>
void BatchNormForward(Device, int64_t rows, int64_t channels, bool relu, const T* x, const T* mean, const T* variance,
                      T eps, const T* weight, const T* bias, T* y) {
  std::vector<T> factor = Scales(channels, variance, eps);
  for (int64_t c = 0; c < channels; ++c) factor[c] *= weight[c];
  const T floor = relu ? T(0) : -std::numeric_limits<T>::infinity();
  ParallelFor(rows, kRows, [&, factor = factor.data()](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < channels; ++c) {
        const T value = (x[r * channels + c] - mean[c]) * factor[c] + bias[c];
        y[r * channels + c] = value < floor ? floor : value;  // a NaN stays one
      }
  });
}

template <class Device, class T>
void BatchNormBackward(Device, int64_t rows, int64_t channels, bool relu, bool training, const T* x, const T* y,
                       const T* mean, const T* variance, T eps, const T* weight, const T* dy, T* dx, T* dweight,
                       T* dbias) {
  const std::vector<T> scales = Scales(channels, variance, eps);
  const auto passed = [&](int64_t i) { return relu && !(y[i] > T(0)) ? T(0) : dy[i]; };
  // Over the rows, the sums of dy and of dy times the normalised x.
  const std::vector<double> sums = SumRows<T>(rows, 2 * channels, [&](int64_t r, T* sums) {
    for (int64_t c = 0; c < channels; ++c) {
      const T gradient = passed(r * channels + c);
      sums[c] += gradient;
      sums[channels + c] += gradient * ((x[r * channels + c] - mean[c]) * scales[c]);
    }
  });
  std::vector<T> factor(channels), shift(channels, T(0)), slope(channels, T(0));
  for (int64_t c = 0; c < channels; ++c) {
    dbias[c] = T(sums[c]);
    dweight[c] = T(sums[channels + c]);
    factor[c] = weight[c] * scales[c];
    if (!training) continue;
    shift[c] = T(sums[c] / static_cast<double>(rows));
    slope[c] = T(sums[channels + c] / static_cast<double>(rows)) * scales[c];
  }
  if (!dx) return;
  ParallelFor(rows, kRows, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t i = r * channels + c;
        dx[i] = factor[c] * (passed(i) - shift[c] - (x[i] - mean[c]) * slope[c]);
      }
  });
}

#define ORBIT_INSTANTIATE(T)                                                                                       \
  template void MoveStatistics(Cpu, int64_t, T, T, const T*, const T*, T*, T*);                                    \
  template void BatchNormStatistics(Cpu, int64_t, int64_t, const T*, T*, T*);                                      \
  template void BatchNormForward(Cpu, int64_t, int64_t, bool, const T*, const T*, const T*, T, const T*, const T*, \
                                 T*);                                                                              \
  template void BatchNormBackward(Cpu, int64_t, int64_t, bool, bool, const T*, const T*, const T*, const T*, T,    \
                                  const T*, const T*, T*, T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
