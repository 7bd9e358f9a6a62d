// Normalises rows to mean 0 and variance 1: layer normalisation without scale and shift.
#if defined(ORBIT_KERNELS_CPU_LAYER_NORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORBIT_KERNELS_CPU_LAYER_NORM_INL_H_
#undef ORBIT_KERNELS_CPU_LAYER_NORM_INL_H_
#else
#define ORBIT_KERNELS_CPU_LAYER_NORM_INL_H_
#endif

#include <cmath>
#include <cstdint>

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {

// A row's mean and 1 / sqrt(variance + eps).
template <class T>
struct RowStatistics {
  T mean, inverse_deviation;
};

// Rows processed together. A sum over one row is a long chain of dependent additions; several chains overlap.
constexpr int kRowsTogether = 4;

// The statistics of the rows of x [kRows, width].
template <int kRows, class T>
HWY_INLINE void StatisticsOfRows(int64_t width, T eps, const T* x, RowStatistics<T>* statistics) {
  const Tag<T> d;
  const int64_t whole = width / kLanes<T> * kLanes<T>, rest = width - whole;
  Vector<T> sum[kRows];
  for (auto& s : sum) s = hn::Zero(d);
  for (int64_t c = 0; c < whole; c += kLanes<T>)
    for (int r = 0; r < kRows; ++r) sum[r] = hn::Add(sum[r], hn::LoadU(d, x + r * width + c));
  if (rest > 0)
    for (int r = 0; r < kRows; ++r) sum[r] = hn::Add(sum[r], LoadFirst(x + r * width + whole, rest));
  for (int r = 0; r < kRows; ++r) statistics[r].mean = SumOfLanes<T>(sum[r]) / static_cast<T>(width);
  Vector<T> mean[kRows];
  for (int r = 0; r < kRows; ++r) {
    mean[r] = hn::Set(d, statistics[r].mean);
    sum[r] = hn::Zero(d);
  }
  for (int64_t c = 0; c < whole; c += kLanes<T>)
    for (int r = 0; r < kRows; ++r) {
      const auto centred = hn::Sub(hn::LoadU(d, x + r * width + c), mean[r]);
      sum[r] = hn::MulAdd(centred, centred, sum[r]);
    }
  if (rest > 0)
    for (int r = 0; r < kRows; ++r) {
      const auto centred = KeepFirst<T>(hn::Sub(LoadFirst(x + r * width + whole, rest), mean[r]), rest);
      sum[r] = hn::MulAdd(centred, centred, sum[r]);
    }
  for (int r = 0; r < kRows; ++r)
    statistics[r].inverse_deviation = T(1) / std::sqrt(SumOfLanes<T>(sum[r]) / static_cast<T>(width) + eps);
}

// The statistics [rows] of the rows of x [rows, width].
template <class T>
void StatisticsOf(int64_t rows, int64_t width, T eps, const T* x, RowStatistics<T>* statistics) {
  int64_t row = 0;
  for (; row + kRowsTogether <= rows; row += kRowsTogether)
    StatisticsOfRows<kRowsTogether>(width, eps, x + row * width, statistics + row);
  for (; row < rows; ++row) StatisticsOfRows<1>(width, eps, x + row * width, statistics + row);
}

// y [rows, width] = (x - mean) inverse_deviation.
template <class T>
void Normalize(int64_t rows, int64_t width, const RowStatistics<T>* statistics, const T* x, T* y) {
  const Tag<T> d;
  const int64_t whole = width / kLanes<T> * kLanes<T>, rest = width - whole;
  for (int64_t row = 0; row < rows; ++row, x += width, y += width) {
    const auto mean = hn::Set(d, statistics[row].mean), scale = hn::Set(d, statistics[row].inverse_deviation);
    for (int64_t c = 0; c < whole; c += kLanes<T>)
      hn::StoreU(hn::Mul(hn::Sub(hn::LoadU(d, x + c), mean), scale), d, y + c);
    if (rest > 0) StoreFirst(hn::Mul(hn::Sub(LoadFirst(x + whole, rest), mean), scale), y + whole, rest);
  }
}

template <int kRows, class T>
HWY_INLINE void NormalizeRowsBackward(int64_t width, const RowStatistics<T>* statistics, const T* y, const T* dy,
                                      const T* start, T* dx) {
  const Tag<T> d;
  const int64_t whole = width / kLanes<T> * kLanes<T>, rest = width - whole;
  Vector<T> sum[kRows], product[kRows];
  for (int r = 0; r < kRows; ++r) sum[r] = product[r] = hn::Zero(d);
  for (int64_t c = 0; c < whole; c += kLanes<T>)
    for (int r = 0; r < kRows; ++r) {
      const auto gradient = hn::LoadU(d, dy + r * width + c);
      sum[r] = hn::Add(sum[r], gradient);
      product[r] = hn::MulAdd(gradient, hn::LoadU(d, y + r * width + c), product[r]);
    }
  if (rest > 0)
    for (int r = 0; r < kRows; ++r) {
      const auto gradient = LoadFirst(dy + r * width + whole, rest);
      sum[r] = hn::Add(sum[r], gradient);
      product[r] = hn::MulAdd(gradient, LoadFirst(y + r * width + whole, rest), product[r]);
    }
  for (int r = 0; r < kRows; ++r) {
    sum[r] = hn::Set(d, SumOfLanes<T>(sum[r]) / static_cast<T>(width));
    product[r] = hn::Set(d, SumOfLanes<T>(product[r]) / static_cast<T>(width));
  }
  for (int r = 0; r < kRows; ++r, y += width, dy += width, dx += width) {
    const auto scale = hn::Set(d, statistics[r].inverse_deviation);
    const T* from = start ? start + r * width : nullptr;
    for (int64_t c = 0; c < whole; c += kLanes<T>) {
      const auto projected = hn::NegMulAdd(hn::LoadU(d, y + c), product[r], hn::Sub(hn::LoadU(d, dy + c), sum[r]));
      hn::StoreU(from ? hn::MulAdd(projected, scale, hn::LoadU(d, from + c)) : hn::Mul(projected, scale), d, dx + c);
    }
    if (rest > 0) {
      const auto projected =
          hn::NegMulAdd(LoadFirst(y + whole, rest), product[r], hn::Sub(LoadFirst(dy + whole, rest), sum[r]));
      const auto first = from ? LoadFirst(from + whole, rest) : hn::Zero(d);
      StoreFirst(hn::MulAdd(projected, scale, first), dx + whole, rest);
    }
  }
}

// dx [rows, width] = start + inverse_deviation (dy - mean(dy) - y mean(dy y)), where y = Normalize(x). start may be
// null; start and dy may be dx.
template <class T>
void NormalizeBackward(int64_t rows, int64_t width, const RowStatistics<T>* statistics, const T* y, const T* dy,
                       const T* start, T* dx) {
  int64_t row = 0;
  const auto rows_from = [&]<int kRows>() {
    const int64_t at = row * width;
    NormalizeRowsBackward<kRows>(width, statistics + row, y + at, dy + at, start ? start + at : nullptr, dx + at);
    row += kRows;
  };
  while (row + kRowsTogether <= rows) rows_from.template operator()<kRowsTogether>();
  while (row < rows) rows_from.template operator()<1>();
}

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
