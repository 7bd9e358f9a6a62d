#include "kernels/cpu/narrow_matmul.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"
#include "kernels/parallel.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/narrow_matmul.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/small_matmul-inl.h"
// clang-format on

#ifndef ORBIT_KERNELS_CPU_NARROW_MATMUL_SIZES_
#define ORBIT_KERNELS_CPU_NARROW_MATMUL_SIZES_
namespace orbit::kernels {
namespace {

constexpr int64_t kMostSide = 256;     // largest dimensions of the small matrix
constexpr int64_t kLeastRows = 512;    // smallest number of rows of the long matrix
constexpr int64_t kRowsAtOnce = 256;   // rows processed while in cache
constexpr int64_t kRowsOfASum = 4096;  // smallest number of rows per partial sum of A^T B
constexpr int64_t kMostSums = 16;

}  // namespace
}  // namespace orbit::kernels
#endif  // ORBIT_KERNELS_CPU_NARROW_MATMUL_SIZES_

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

template <class T>
int64_t Lanes() {
  return kLanes<T>;
}

// C [m, n] = A B + bias + beta C for a block of rows. B [k, b_stride] and bias are padded to whole vectors.
template <class T>
void TimesSmall(int64_t m, int64_t n, int64_t k, const T* a, const T* b, int64_t b_stride, const T* bias, T beta,
                T* c) {
  Multiply<false>(Product<T>{.m = m,
                             .n = n,
                             .k = k,
                             .a = a,
                             .a_stride = k,
                             .b = b,
                             .b_stride = b_stride,
                             .c = c,
                             .c_stride = n,
                             .bias = bias,
                             .start = beta == T(0) ? nullptr : c,
                             .start_stride = n});
}

// C [m, n] = A^T B for A [k, m], B [k, n] and k > 0. n must be a multiple of the vector length.
template <class T>
void SmallSum(int64_t m, int64_t n, int64_t k, const T* a, const T* b, T* c) {
  for (int64_t first = 0; first < k; first += kRowsAtOnce)
    Multiply<true>(Product<T>{.m = m,
                              .n = n,
                              .k = std::min(kRowsAtOnce, k - first),
                              .a = a + first * m,
                              .a_stride = m,
                              .b = b + first * n,
                              .b_stride = n,
                              .c = c,
                              .c_stride = n,
                              .start = first == 0 ? nullptr : c,
                              .start_stride = n});
}

}  // namespace

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

ORBIT_EXPORT(Lanes)
ORBIT_EXPORT(TimesSmall)
ORBIT_EXPORT(SmallSum)

bool IsManyRows(Transpose transpose_a, int64_t m, int64_t n, int64_t k) {
  return transpose_a == Transpose::kNo && m >= kLeastRows && n <= kMostSide && k <= kMostSide;
}

}  // namespace

template <class T>
bool IsNarrow(Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k) {
  if (IsManyRows(transpose_a, m, n, k)) return true;
  // With few columns, or with a part of a vector of them, other routines are faster.
  return transpose_a == Transpose::kYes && transpose_b == Transpose::kNo && k >= kLeastRows && m <= kMostSide &&
         n <= kMostSide && n % Lanes<T>() == 0;
}

template <class T>
void NarrowMatMul(Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a, const T* b,
                  const T* bias, T beta, T* c) {
  if (IsManyRows(transpose_a, m, n, k)) {
    const int64_t lanes = Lanes<T>(), width = NumChunks(n, 2 * lanes) * 2 * lanes;
    Scratch<T> scratch((k + 1) * width);
    T *small = scratch.data(), *padded_bias = small + k * width;
    std::fill_n(small, (k + 1) * width, T(0));
    for (int64_t p = 0; p < k; ++p)
      for (int64_t j = 0; j < n; ++j)
        small[p * width + j] = transpose_b == Transpose::kYes ? b[j * k + p] : b[p * n + j];
    if (bias) std::copy_n(bias, n, padded_bias);
    ParallelFor(m, kRowsAtOnce, [&](int64_t begin, int64_t end) {
      TimesSmall<T>(end - begin, n, k, a + begin * k, small, width, bias ? padded_bias : nullptr, beta, c + begin * n);
    });
    return;
  }
  const int64_t sums = std::clamp<int64_t>(k / kRowsOfASum, 1, kMostSums), rows = NumChunks(k, sums);
  std::vector<T> partial(static_cast<size_t>(sums) * m * n);
  ParallelFor(k, rows, [&](int64_t begin, int64_t end) {
    SmallSum<T>(m, n, end - begin, a + begin * m, b + begin * n, partial.data() + begin / rows * m * n);
  });
  for (int64_t i = 0; i < m * n; ++i) {
    T sum = (beta == T(0) ? T(0) : c[i]) + (bias ? bias[i % n] : T(0));
    for (int64_t part = 0; part * rows < k; ++part) sum += partial[part * m * n + i];
    c[i] = sum;
  }
}

#define ORBIT_INSTANTIATE(T)                                                  \
  template bool IsNarrow<T>(Transpose, Transpose, int64_t, int64_t, int64_t); \
  template void NarrowMatMul(Transpose, Transpose, int64_t, int64_t, int64_t, const T*, const T*, const T*, T, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
