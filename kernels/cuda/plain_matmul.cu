#include "kernels/cuda/gpu.h"
#include "kernels/cuda/plain_matmul.h"

namespace orbit::kernels {
namespace {

constexpr int kTile = 16;

// Where the operands' elements are: op(A)(i, l) at i a_row + l a_column of problem p's part of A, likewise B and C.
struct Product {
  int64_t m, n, k;
  int64_t a_row, a_column, b_row, b_column;
  int64_t a_stride, b_stride, c_stride;
};

// A block owns a tile of one problem's C, a thread an element of it. Bytes: a and b 1 / 16 as often as an element needs
// them, c once.
template <class T, class U>
__global__ void __launch_bounds__(kTile* kTile)
    TileKernel(const __grid_constant__ Product p, const T* a, const T* b, SumType<T> beta, U* c) {
  using S = SumType<T>;
  ORBIT_SHARED(a_tile, S[kTile][kTile + 1]);
  ORBIT_SHARED(b_tile, S[kTile][kTile + 1]);
  const int x = threadIdx.x % kTile, y = threadIdx.x / kTile;
  const int64_t columns = DivideUp<int64_t>(p.n, kTile);
  const int64_t row = blockIdx.x / columns * kTile + y, column = blockIdx.x % columns * kTile + x;
  a += blockIdx.y * p.a_stride;
  b += blockIdx.y * p.b_stride;
  S sum = 0;
  for (int64_t l = 0; l < p.k; l += kTile) {
    a_tile[y][x] = row < p.m && l + x < p.k ? ToSumType(a[row * p.a_row + (l + x) * p.a_column]) : S(0);
    b_tile[y][x] = l + y < p.k && column < p.n ? ToSumType(b[(l + y) * p.b_row + column * p.b_column]) : S(0);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kTile; ++i) sum += a_tile[y][i] * b_tile[i][x];
    __syncthreads();
  }
  if (row >= p.m || column >= p.n) return;
  U& element = c[blockIdx.y * p.c_stride + row * p.n + column];
  element = FromSumType<U>(static_cast<SumType<U>>(beta == S(0) ? sum : sum + static_cast<S>(ToSumType(element))));
}

}  // namespace

template <class Device, class T, class U>
void PlainMatMul(Device gpu, Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a,
                 const T* b, SumType<T> beta, U* c, int64_t batch, int64_t a_stride, int64_t b_stride,
                 int64_t c_stride) {
  if (m * n * batch == 0) return;
  const bool ta = transpose_a == Transpose::kYes, tb = transpose_b == Transpose::kYes;
  const Product product = {m, n, k, ta ? 1 : k, ta ? m : 1, tb ? 1 : n, tb ? k : 1, a_stride, b_stride, c_stride};
  const int64_t tiles = DivideUp<int64_t>(m, kTile) * DivideUp<int64_t>(n, kTile);
  Launch("MatMul", gpu, dim3(tiles, batch), dim3(kTile * kTile), 0, TileKernel<T, U>, product, a, b, beta, c);
}

#define ORBIT_INSTANTIATE(T, U)                                                                                       \
  template void PlainMatMul(Gpu, Transpose, Transpose, int64_t, int64_t, int64_t, const T*, const T*, SumType<T>, U*, \
                            int64_t, int64_t, int64_t, int64_t);
ORBIT_INSTANTIATE(float, float)
ORBIT_INSTANTIATE(double, double)
ORBIT_INSTANTIATE(BFloat16, BFloat16)
ORBIT_INSTANTIATE(BFloat16, float)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
