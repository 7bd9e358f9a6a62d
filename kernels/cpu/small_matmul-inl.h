// Matrix products whose operands stay in the L1 and L2 cache: register-blocked, without packing, on the calling thread.
// They serve short inner dimensions, where a general BLAS spends half of its time around the product.
#if defined(ORBIT_KERNELS_CPU_SMALL_MATMUL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORBIT_KERNELS_CPU_SMALL_MATMUL_INL_H_
#undef ORBIT_KERNELS_CPU_SMALL_MATMUL_INL_H_
#else
#define ORBIT_KERNELS_CPU_SMALL_MATMUL_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {

// C [m, n] = op(A) B + bias + start. All matrices are row-major with the given row strides: op(A) [m, k], B [k, n],
// bias [n], which is added to every row, and start [m, n], which may be C. bias and start may be null. Each row of B,
// and bias, must be followed by one readable vector; its contents do not matter.
template <class T>
struct Product {
  int64_t m, n, k;
  const T* a;
  int64_t a_stride;
  const T* b;
  int64_t b_stride;
  T* c;
  int64_t c_stride;
  const T* bias = nullptr;
  const T* start = nullptr;
  int64_t start_stride = 0;
};

// The number of rows of C that are kept in registers, `vectors` vectors wide: enough sums to keep two multiply-add
// units busy, few enough to leave registers for a row of B and an element of A.
constexpr int MaxRows(int vectors) { return HWY_TARGET == HWY_AVX3 ? 12 : 12 / vectors; }

// Computes `blocks` blocks of kRows rows, the first at `row`, and kVectors vectors of columns from `column` on; all of
// them must exist.
template <int kRows, int kVectors, bool kTransposeA, class T>
HWY_NOINLINE void RowBlocks(const Product<T> product, int64_t row, int64_t blocks, int64_t column) {
  const Tag<T> d;
  constexpr int64_t kN = kLanes<T>;
  const int64_t k = product.k, a_stride = product.a_stride, b_stride = product.b_stride;
  const int64_t c_stride = product.c_stride, start_stride = product.start_stride;
  const T* HWY_RESTRICT b = product.b + column;
  const T* bias = product.bias ? product.bias + column : nullptr;
  const T* a = product.a + (kTransposeA ? row : row * a_stride);
  const T* start = product.start ? product.start + row * start_stride + column : nullptr;
  T* c = product.c + row * c_stride + column;
  for (; blocks > 0; --blocks) {
    Vector<T> sum[kRows][kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const Vector<T> first = bias ? hn::LoadU(d, bias + v * kN) : hn::Zero(d);
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) sum[i][v] = first;
    }
    for (int64_t p = 0; p < k; ++p) {
      Vector<T> b_row[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) b_row[v] = hn::LoadU(d, b + p * b_stride + v * kN);
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
        const Vector<T> factor = hn::Set(d, kTransposeA ? a[p * a_stride + i] : a[i * a_stride + p]);
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) sum[i][v] = hn::MulAdd(factor, b_row[v], sum[i][v]);
      }
    }
    a += kTransposeA ? kRows : kRows * a_stride;
    if (start) {
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v)
          sum[i][v] = hn::Add(sum[i][v], hn::LoadU(d, start + i * start_stride + v * kN));
      start += kRows * start_stride;
    }
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) hn::StoreU(sum[i][v], d, c + i * c_stride + v * kN);
    c += kRows * c_stride;
  }
}

template <int kRows, int kVectors, bool kTransposeA, class T>
void RowBlocksOf(int64_t rows, const Product<T>& product, int64_t row, int64_t blocks, int64_t column) {
  if (rows == kRows)
    RowBlocks<kRows, kVectors, kTransposeA>(product, row, blocks, column);
  else if constexpr (kRows > 1)
    RowBlocksOf<kRows - 1, kVectors, kTransposeA>(rows, product, row, blocks, column);
}

// All rows of a panel of columns, of which `count` exist. The rows are split into blocks that are as equal as possible.
template <int kVectors, bool kTransposeA, class T>
void Panel(const Product<T>& product, int64_t column, int64_t count) {
  constexpr int kRows = MaxRows(kVectors);
  constexpr int64_t kColumns = kVectors * kLanes<T>;
  if (count == kColumns) {
    const int64_t blocks = (product.m + kRows - 1) / kRows, rows = product.m / blocks, larger = product.m % blocks;
    if (larger > 0) RowBlocksOf<kRows, kVectors, kTransposeA>(rows + 1, product, 0, larger, column);
    RowBlocksOf<kRows, kVectors, kTransposeA>(rows, product, larger * (rows + 1), blocks - larger, column);
    return;
  }
  // Only a part of the panel exists in C: compute whole blocks in `tile` and copy that part.
  T tile[kRows * kColumns];
  for (int64_t row = 0; row < product.m; row += kRows) {
    const int64_t rows = std::min<int64_t>(kRows, product.m - row);
    Product<T> block = product;
    block.a += kTransposeA ? row : row * product.a_stride;
    block.b += column;
    if (block.bias) block.bias += column;
    block.start = nullptr;
    block.c = tile;
    block.c_stride = kColumns;
    RowBlocksOf<kRows, kVectors, kTransposeA>(rows, block, 0, 1, 0);
    for (int64_t i = 0; i < rows; ++i) {
      const T* start = product.start ? product.start + (row + i) * product.start_stride + column : nullptr;
      T* c = product.c + (row + i) * product.c_stride + column;
      for (int64_t j = 0; j < count; ++j) c[j] = tile[i * kColumns + j] + (start ? start[j] : T(0));
    }
  }
}

// C = op(A) B + ...; A is stored as [k, m] if kTransposeA, else as [m, k].
template <bool kTransposeA, class T>
void Multiply(const Product<T>& product) {
  if (product.m == 0) return;
  constexpr int64_t kN = kLanes<T>;
  for (int64_t column = 0; column < product.n; column += 2 * kN) {
    const int64_t count = std::min(2 * kN, product.n - column);
    if (count > kN)
      Panel<2, kTransposeA>(product, column, count);
    else
      Panel<1, kTransposeA>(product, column, count);
  }
}

// sums [n] += sum over the rows of x [rows, n].
template <class T>
void AddColumnSums(int64_t rows, int64_t n, const T* x, T* sums) {
  constexpr int64_t kN = kLanes<T>;
  int64_t column = 0;
  for (; column + 4 * kN <= n; column += 4 * kN) {
    const Tag<T> d;
    Vector<T> sum[4];
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) sum[v] = hn::LoadU(d, sums + column + v * kN);
    for (int64_t row = 0; row < rows; ++row)
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) sum[v] = hn::Add(sum[v], hn::LoadU(d, x + row * n + column + v * kN));
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) hn::StoreU(sum[v], d, sums + column + v * kN);
  }
  for (; column < n; column += kN) {
    Vector<T> sum = LoadFirst(sums + column, n - column);
    for (int64_t row = 0; row < rows; ++row) sum = hn::Add(sum, LoadFirst(x + row * n + column, n - column));
    StoreFirst(sum, sums + column, n - column);
  }
}

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
