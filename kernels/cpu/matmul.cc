#include "kernels/matmul.h"

#include <cblas.h>

#include <algorithm>
#include <vector>

#include "kernels/cpu/floats.h"
#include "kernels/cpu/narrow_matmul.h"
#include "kernels/cpu/zero_skipping_matmul.h"
#include "kernels/parallel.h"

// What OpenBLAS reads from the environment while it is loaded, in the place of its own functions (openblas_env.c): it
// is to start no threads, not even then.
extern "C" {
void openblas_read_env() {}
int openblas_verbose() { return 0; }
unsigned openblas_thread_timeout() { return 0; }  // the default
int openblas_block_factor() { return 0; }         // the default
int openblas_num_threads_env() { return 1; }
int openblas_goto_num_threads_env() { return 0; }
int openblas_omp_num_threads_env() { return 0; }
int openblas_omp_adaptive_env() { return 0; }
}

namespace orbit::kernels {
namespace {

// OpenBLAS computes each tile on one thread; the tiles run in parallel. They are chosen by the shapes alone, so results
// do not depend on the number of threads.
constexpr int64_t kTileRows = 1024, kTileColumns = 2048;
constexpr int64_t kSmallProduct = 1 << 20;  // products of up to this many multiplications are one tile
constexpr int64_t kInnerChunk = 2048;       // length of a partial sum, where k is much larger than m and n

template <class T>
struct Operand {
  const T* data;
  int64_t row_stride, column_stride;  // of op(A); one of the two is 1

  Operand At(int64_t row, int64_t column) const {
    return {data + row * row_stride + column * column_stride, row_stride, column_stride};
  }
};

// C [m, n] (row stride ldc) = op(A) op(B) + beta C, on the calling thread.
template <class T>
void Tile(int64_t m, int64_t n, int64_t k, Operand<T> a, Transpose ta, Operand<T> b, Transpose tb, T beta, T* c,
          int64_t ldc) {
  const auto op_a = ta == Transpose::kYes ? CblasTrans : CblasNoTrans;
  const auto op_b = tb == Transpose::kYes ? CblasTrans : CblasNoTrans;
  const auto lda = std::max<int64_t>(1, ta == Transpose::kYes ? a.column_stride : a.row_stride);
  const auto ldb = std::max<int64_t>(1, tb == Transpose::kYes ? b.column_stride : b.row_stride);
  if constexpr (std::is_same_v<T, float>)
    cblas_sgemm(CblasRowMajor, op_a, op_b, m, n, k, 1, a.data, lda, b.data, ldb, beta, c, ldc);
  else
    cblas_dgemm(CblasRowMajor, op_a, op_b, m, n, k, 1, a.data, lda, b.data, ldb, beta, c, ldc);
}

// The tile size that splits `size` into equal tiles of at most `most`, and into at least four if `split`; rounded up to
// `multiple`.
int64_t TileSize(int64_t size, int64_t most, int64_t multiple, bool split) {
  int64_t tiles = NumChunks(size, most);
  if (split) tiles = std::max<int64_t>(tiles, 4);
  const int64_t tile = NumChunks(size, tiles);
  return std::max(multiple, NumChunks(tile, multiple) * multiple);
}

template <class T>
void Product(int64_t m, int64_t n, int64_t k, Operand<T> a, Transpose ta, Operand<T> b, Transpose tb, T beta, T* c) {
  if (m == 0 || n == 0) return;
  if (k == 0) {
    if (beta == T(0)) std::fill_n(c, m * n, T(0));
    return;
  }
  const int64_t products = m * n * k;
  if (products <= kSmallProduct) return Tile(m, n, k, a, ta, b, tb, beta, c, n);
  if (k >= 2 * kInnerChunk && k > 8 * std::max(m, n)) {
    const int64_t chunks = std::min<int64_t>(NumChunks(k, kInnerChunk), 16);
    const int64_t length = NumChunks(k, chunks);
    std::vector<T> partial(static_cast<size_t>(chunks) * m * n);
    ParallelChunks(chunks, [&](int64_t chunk) {
      const int64_t begin = std::min(k, chunk * length), end = std::min(k, begin + length);
      T* sum = partial.data() + chunk * m * n;
      if (begin < end) Tile(m, n, end - begin, a.At(0, begin), ta, b.At(begin, 0), tb, T(0), sum, n);
    });
    ParallelFor(m * n, 1 << 12, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T sum = beta == T(0) ? T(0) : c[i];
        for (int64_t chunk = 0; chunk < chunks; ++chunk) sum += partial[chunk * m * n + i];
        c[i] = sum;
      }
    });
    return;
  }
  const bool split_rows = m >= n;
  const int64_t tile_rows = TileSize(m, kTileRows, 16, split_rows);
  const int64_t tile_columns = TileSize(n, kTileColumns, 64, !split_rows);
  const int64_t row_tiles = NumChunks(m, tile_rows), column_tiles = NumChunks(n, tile_columns);
  ParallelChunks(row_tiles * column_tiles, [&](int64_t tile) {
    const int64_t i = tile / column_tiles * tile_rows, j = tile % column_tiles * tile_columns;
    Tile(std::min(tile_rows, m - i), std::min(tile_columns, n - j), k, a.At(i, 0), ta, b.At(0, j), tb, beta,
         c + i * n + j, n);
  });
}

// Of floats or doubles.
template <class T>
void WideMatMul(Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a, const T* b,
                T beta, T* c, int64_t batch, int64_t a_stride, int64_t b_stride, int64_t c_stride) {
  if (batch == 1 && IsNarrow<T>(transpose_a, transpose_b, m, n, k))
    return NarrowMatMul<T>(transpose_a, transpose_b, m, n, k, a, b, nullptr, beta, c);
  if (batch == 1 && beta == T(0) && ZeroSkippingMatMul<T>(transpose_a, transpose_b, m, n, k, a, b, nullptr, c)) return;
  const auto problem = [&](int64_t i) {
    const bool ta = transpose_a == Transpose::kYes, tb = transpose_b == Transpose::kYes;
    Product<T>(m, n, k, {a + i * a_stride, ta ? 1 : k, ta ? m : 1}, transpose_a,
               {b + i * b_stride, tb ? 1 : n, tb ? k : 1}, transpose_b, beta, c + i * c_stride);
  };
  // Small problems run side by side. Each is a single tile anyway, so the bits are the same.
  const int64_t products = std::max<int64_t>(1, m * n * k);
  if (batch > 1 && products <= kSmallProduct) {
    const int64_t grain = std::max<int64_t>(1, (1 << 16) / products);
    ParallelFor(batch, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) problem(i);
    });
  } else {
    for (int64_t i = 0; i < batch; ++i) problem(i);
  }
}

}  // namespace

template <class Device, class T, class U>
void MatMul(Device device, Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a,
            const T* b, SumType<T> beta, U* c, int64_t batch, int64_t a_stride, int64_t b_stride, int64_t c_stride) {
  if constexpr (!std::is_same_v<T, BFloat16>) {
    WideMatMul(transpose_a, transpose_b, m, n, k, a, b, beta, c, batch, a_stride, b_stride, c_stride);
  } else {
    if (batch == 0) return;
    const auto size = [&](int64_t stride, int64_t last) { return (batch - 1) * stride + last; };
    const Floats wide_a(size(a_stride, m * k), a), wide_b(size(b_stride, k * n), b);
    const auto product = [&](float* result) {
      MatMul(device, transpose_a, transpose_b, m, n, k, wide_a.data(), wide_b.data(), beta, result, batch, a_stride,
             b_stride, c_stride);
    };
    if constexpr (std::is_same_v<U, float>) {
      product(c);
    } else {
      const Floats result(size(c_stride, m * n), c);
      product(result.data());
      result.RoundTo(c);
    }
  }
}

template <class Device, class T>
void BroadcastRow(Device, int64_t rows, int64_t columns, const T* bias, T* y) {
  ParallelFor(rows, std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(1, columns)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) std::copy_n(bias, columns, y + r * columns);
  });
}

template <class Device, class T>
void ColumnSums(Device, int64_t rows, int64_t columns, const T* x, SumType<T>* sums) {
  using S = SumType<T>;
  const int64_t grain = std::max<int64_t>(NumChunks(rows, 64), 256);
  const int64_t chunks = NumChunks(rows, grain);
  std::vector<S> partial(static_cast<size_t>(chunks) * columns, S(0));
  ParallelFor(rows, grain, [&](int64_t begin, int64_t end) {
    S* sum = partial.data() + begin / grain * columns;
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < columns; ++c) sum[c] += ToSumType(x[r * columns + c]);
  });
  std::fill_n(sums, columns, S(0));
  for (int64_t chunk = 0; chunk < chunks; ++chunk)
    for (int64_t c = 0; c < columns; ++c) sums[c] += partial[chunk * columns + c];
}

std::string HostMatMulCore() { return openblas_get_corename(); }

#define ORBIT_INSTANTIATE(T)                                                                                     \
  template void MatMul(Cpu, Transpose, Transpose, int64_t, int64_t, int64_t, const T*, const T*, SumType<T>, T*, \
                       int64_t, int64_t, int64_t, int64_t);                                                      \
  template void BroadcastRow(Cpu, int64_t, int64_t, const T*, T*);                                               \
  template void ColumnSums(Cpu, int64_t, int64_t, const T*, SumType<T>*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE
template void MatMul(Cpu, Transpose, Transpose, int64_t, int64_t, int64_t, const BFloat16*, const BFloat16*, float,
                     float*, int64_t, int64_t, int64_t, int64_t);

}  // namespace orbit::kernels
