#include "kernels/layer_norm.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "kernels/cpu/floats.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"
#include "kernels/parallel.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/layer_norm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/layer_norm-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

constexpr int64_t kRows = 64;  // rows per task, which stay in cache

template <class T>
void Forward(int64_t rows, int64_t width, T eps, const T* x, const T* weight, const T* bias, T* y) {
  ParallelFor(rows, kRows, [&](int64_t begin, int64_t end) {
    RowStatistics<T> statistics[kRows];
    StatisticsOf(end - begin, width, eps, x + begin * width, statistics);
    Normalize(end - begin, width, statistics, x + begin * width, y + begin * width);
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < width; ++c) y[r * width + c] = y[r * width + c] * weight[c] + bias[c];
  });
}

template <class T>
void Backward(int64_t rows, int64_t width, T eps, const T* x, const T* weight, const T* dy, const T* start, T* dx,
              T* dweight, T* dbias) {
  const int64_t chunks = NumChunks(rows, kRows);
  std::vector<T> partial(chunks * 2 * width, T(0));
  ParallelFor(rows, kRows, [&](int64_t begin, int64_t end) {
    RowStatistics<T> statistics[kRows];
    Scratch<T> normalized(kRows * width), scaled(kRows * width);
    StatisticsOf(end - begin, width, eps, x + begin * width, statistics);
    Normalize(end - begin, width, statistics, x + begin * width, normalized.data());
    T* dw = &partial[begin / kRows * 2 * width];
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < width; ++c) {
        const T gradient = dy[r * width + c];
        dw[c] += gradient * normalized.data()[(r - begin) * width + c];
        dw[width + c] += gradient;
        scaled.data()[(r - begin) * width + c] = gradient * weight[c];
      }
    NormalizeBackward(end - begin, width, statistics, normalized.data(), scaled.data(),
                      start ? start + begin * width : nullptr, dx + begin * width);
  });
  std::fill(dweight, dweight + width, T(0));
  std::fill(dbias, dbias + width, T(0));
  for (int64_t chunk = 0; chunk < chunks; ++chunk)
    for (int64_t c = 0; c < width; ++c) {
      dweight[c] += partial[chunk * 2 * width + c];
      dbias[c] += partial[chunk * 2 * width + width + c];
    }
}

}  // namespace

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

ORBIT_EXPORT(Forward)
ORBIT_EXPORT(Backward)

}  // namespace

template <class Device, class T>
void LayerNormForward(Device, int64_t rows, int64_t width, SumType<T> eps, const T* x, const SumType<T>* weight,
                      const SumType<T>* bias, T* y) {
  Forward<T>(rows, width, eps, x, weight, bias, y);
}

template <class Device, class T>
void LayerNormBackward(Device, int64_t rows, int64_t width, SumType<T> eps, const T* x, const SumType<T>* weight,
                       const T* dy, const T* start, T* dx, SumType<T>* dweight, SumType<T>* dbias) {
  Backward<T>(rows, width, eps, x, weight, dy, start, dx, dweight, dbias);
}

template <>
void LayerNormForward(Cpu cpu, int64_t rows, int64_t width, float eps, const BFloat16* x, const float* weight,
                      const float* bias, BFloat16* y) {
  const Floats result(rows * width);
  LayerNormForward<Cpu, float>(cpu, rows, width, eps, Floats(rows * width, x).data(), weight, bias, result.data());
  result.RoundTo(y);
}

template <>
void LayerNormBackward(Cpu cpu, int64_t rows, int64_t width, float eps, const BFloat16* x, const float* weight,
                       const BFloat16* dy, const BFloat16* start, BFloat16* dx, float* dweight, float* dbias) {
  const Floats result = start ? Floats(rows * width, start) : Floats(rows * width);
  LayerNormBackward<Cpu, float>(cpu, rows, width, eps, Floats(rows * width, x).data(), weight,
                                Floats(rows * width, dy).data(), start ? result.data() : nullptr, result.data(),
                                dweight, dbias);
  result.RoundTo(dx);
}

#define ORBIT_INSTANTIATE(T)                                                                                          \
  template void LayerNormForward(Cpu, int64_t, int64_t, SumType<T>, const T*, const SumType<T>*, const SumType<T>*,   \
                                 T*);                                                                                 \
  template void LayerNormBackward(Cpu, int64_t, int64_t, SumType<T>, const T*, const SumType<T>*, const T*, const T*, \
                                  T*, SumType<T>*, SumType<T>*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
