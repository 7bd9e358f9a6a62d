// Products of small matrices in shared memory, a tile of 32 columns a warp, with operands of three kinds: float, by
// single-precision FMAs, and Tf32 and Bf16, by tensor cores. Sums are f32 in all. All lanes of a warp call.
#ifndef ORBIT_KERNELS_CUDA_WARP_TILE_H_
#define ORBIT_KERNELS_CUDA_WARP_TILE_H_

#include <type_traits>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/matrix.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/vector.h"

namespace orbit::kernels {
namespace {

// ---- Operands ----

struct Tf32 {
  uint32_t bits;
};
struct Bf16 {
  uint16_t bits;
};

__device__ inline float ToFloat(float value) { return value; }
__device__ inline float ToFloat(Tf32 value) { return __uint_as_float(value.bits); }
__device__ inline float ToFloat(Bf16 value) { return __uint_as_float(uint32_t{value.bits} << 16); }

// Stores neighbouring elements at once, rounded to their kind.
template <int kCount>
__device__ void Store(float* to, const float (&values)[kCount]) {
  Vector<float, kCount> vector;
#pragma unroll
  for (int e = 0; e < kCount; ++e) vector[e] = values[e];
  *reinterpret_cast<Vector<float, kCount>*>(to) = vector;
}
template <int kCount>
__device__ void Store(Tf32* to, const float (&values)[kCount]) {
  Vector<uint32_t, kCount> vector;
#pragma unroll
  for (int e = 0; e < kCount; ++e) vector[e] = ToTf32(values[e]);
  *reinterpret_cast<Vector<uint32_t, kCount>*>(to) = vector;
}
template <int kCount>
__device__ void Store(Bf16* to, const float (&values)[kCount]) {
  Vector<uint32_t, kCount / 2> vector;
#pragma unroll
  for (int e = 0; e < kCount / 2; ++e) vector[e] = ToBf16(values[2 * e], values[2 * e + 1]);
  *reinterpret_cast<Vector<uint32_t, kCount / 2>*>(to) = vector;
}

// A view of a matrix with rows of 64 elements in shared memory. The 16-byte vectors of a row change places by the row's
// number, by a rule that depends on Operand, the kind of operands of the kernel, so that the lanes of a warp that read
// down a column, or along rows, find them in different banks.
template <class Element, class Operand = Element>
struct Matrix {
  static constexpr int kPitch = 64, kVector = 16 / sizeof(Element);
  static constexpr int kBytes = 64 * kPitch * sizeof(Element);  // of 64 rows

  Element* data;
  int column = 0;

  __device__ Matrix Rows(int first) const { return {data + first * kPitch, column}; }  // a multiple of 32
  __device__ Matrix Columns(int first) const { return {data, column + first}; }        // a multiple of 8
  __device__ Element* At(int row, int c) const {
    const int at = column + c;
    return data + row * kPitch + ((at / kVector ^ Key(row)) * kVector + at % kVector);
  }
  // Lanes of float products have neighbouring rows each; those of the others meet in 8 rows, of which, where a matrix
  // is read across, 4 with two vectors each.
  static __device__ int Key(int row) {
    return std::is_same_v<Operand, float> ? row >> 2 & 7 : (row & 3) << 1 | (row >> 2 & 1);
  }
  __device__ Vector<float, 4> Load4(int row, int c) const {
    static_assert(sizeof(Element) == 4);
    return *reinterpret_cast<const Vector<float, 4>*>(At(row, c));
  }
};

// ---- Tiles ----
//
// A WarpTile is a matrix of 32 columns, spread over the registers of a warp: a lane has kRows rows, of each kVectors
// vectors of kWidth neighbouring columns, values[i][v][e] in row Row(i), column Column(v) + e. kLanesOfRow neighbouring
// lanes share the rows. `inner` is what a product sums over. To the tile are added by
//
//   MultiplyNT   a b^T, a [rows, inner], b [32, inner];   inner a multiple of 16
//   MultiplyNN   a b,   a [rows, inner], b [inner, 32];   inner a multiple of 16
//   MultiplyTN   a^T b, a [inner, rows], b [inner, 32];   any inner; tensor cores read up to the next multiple of 16
template <class Derived, int kRows, int kVectors, int kWidth>
struct TileBase {
  float values[kRows][kVectors][kWidth];

  // f(i, v, row, column, values[i][v])
  template <class F>
  __device__ void ForEach(F&& f) {
#pragma unroll
    for (int i = 0; i < kRows; ++i)
#pragma unroll
      for (int v = 0; v < kVectors; ++v) f(i, v, Derived::Row(i), Derived::Column(v), values[i][v]);
  }
  __device__ void Clear() {
    ForEach([](int, int, int, int, float(&value)[kWidth]) {
#pragma unroll
      for (int e = 0; e < kWidth; ++e) value[e] = 0;
    });
  }
};

// Of 4 kTall rows, a lane kTall x 4 of it: 12 vectors loaded for 128 FMAs where kTall is 8.
template <class Operand, int kTall>
struct WarpTile : TileBase<WarpTile<float, kTall>, kTall, 1, 4> {
  static_assert(std::is_same_v<Operand, float>);
  static constexpr int kRows = kTall, kVectors = 1, kWidth = 4, kLanesOfRow = 8;
  using TileBase<WarpTile<float, kTall>, kTall, 1, 4>::values;
  static __device__ int Lane() { return threadIdx.x % 32; }
  static __device__ int Row(int i) { return Lane() / 8 * kTall + i; }
  static __device__ int Column(int) { return Lane() % 8 * 4; }

  __device__ void MultiplyNT(Matrix<float> a, Matrix<float> b, int inner) {
    for (int first = 0; first < inner; first += 16)
#pragma unroll
      for (int k = first; k < first + 16; k += 4) {
        Vector<float, 4> columns[4];
#pragma unroll
        for (int j = 0; j < 4; ++j) columns[j] = b.Load4(Column(0) + j, k);
#pragma unroll
        for (int i = 0; i < kTall; ++i) {
          const Vector<float, 4> row = a.Load4(Row(i), k);
#pragma unroll
          for (int e = 0; e < 4; ++e)
#pragma unroll
            for (int j = 0; j < 4; ++j) values[i][0][j] += row[e] * columns[j][e];
        }
      }
  }

  __device__ void MultiplyNN(Matrix<float> a, Matrix<float> b, int inner) {
    for (int first = 0; first < inner; first += 16)
#pragma unroll
      for (int k = first; k < first + 16; k += 4) {
        Vector<float, 4> rows[4];
#pragma unroll
        for (int e = 0; e < 4; ++e) rows[e] = b.Load4(k + e, Column(0));
#pragma unroll
        for (int i = 0; i < kTall; ++i) {
          const Vector<float, 4> row = a.Load4(Row(i), k);
#pragma unroll
          for (int e = 0; e < 4; ++e)
#pragma unroll
            for (int j = 0; j < 4; ++j) values[i][0][j] += row[e] * rows[e][j];
        }
      }
  }

  __device__ void MultiplyTN(Matrix<float> a, Matrix<float> b, int inner) {
    static_assert(kTall % 4 == 0);
#pragma unroll 4
    for (int k = 0; k < inner; ++k) {
      const Vector<float, 4> row = b.Load4(k, Column(0));
#pragma unroll
      for (int i = 0; i < kTall; i += 4) {
        const Vector<float, 4> column = a.Load4(k, Row(i));
#pragma unroll
        for (int e = 0; e < 4; ++e)
#pragma unroll
          for (int j = 0; j < 4; ++j) values[i + e][0][j] += column[e] * row[j];
      }
    }
  }
};

// Of 32 rows: 2 x 4 products of an instruction each, [16, k] times [k, 8], for which a warp loads 4 times 4 matrices of
// 8 rows of 16 bytes.
template <class Operand>
struct TensorCoreTile : TileBase<TensorCoreTile<Operand>, 4, 4, 2> {
  static constexpr int kRows = 4, kVectors = 4, kWidth = 2, kLanesOfRow = 4;
  static constexpr int kVector = Matrix<Operand>::kVector;
  static constexpr int kInner = 2 * kVector;  // of an instruction
  using TileBase<TensorCoreTile<Operand>, 4, 4, 2>::values;
  static __device__ int Lane() { return threadIdx.x % 32; }
  static __device__ int Row(int i) { return i * 8 + Lane() / 4; }
  static __device__ int Column(int v) { return v * 8 + Lane() % 4 * 2; }

  __device__ void MultiplyNT(Matrix<Operand> a, Matrix<Operand> b, int inner) {
    Multiply(
        inner, [&](int k, auto& fragments) { LoadA(a, k, fragments); },
        [&](int k, auto& fragments) {
          const int matrix = Lane() / 8, row = matrix / 2 * 8 + Lane() % 8, column = k + matrix % 2 * kVector;
#pragma unroll
          for (int half = 0; half < 2; ++half) LoadMatrices(fragments[half], b.At(16 * half + row, column));
        });
  }

  __device__ void MultiplyNN(Matrix<Operand> a, Matrix<Operand> b, int inner) {
    Multiply(
        inner, [&](int k, auto& fragments) { LoadA(a, k, fragments); },
        [&](int k, auto& fragments) { LoadAcross(b, k, fragments); });
  }

  __device__ void MultiplyTN(Matrix<Operand> a, Matrix<Operand> b, int inner) {
    Multiply(
        inner, [&](int k, auto& fragments) { LoadAcrossA(a, k, fragments); },
        [&](int k, auto& fragments) { LoadAcross(b, k, fragments); });
  }

 private:
  // Fragments of a: of rows 0 to 15, and 16 to 31. Of b: of columns 0 to 7 in the first two registers and 8 to 15 in
  // the others, and of 16 to 31.
  using Fragments = uint32_t[2][4];

  template <class FragmentsA, class FragmentsB>
  __device__ void Multiply(int inner, FragmentsA&& load_a, FragmentsB&& load_b) {
    for (int first = 0; first < inner; first += 16)
#pragma unroll
      for (int k = first; k < first + 16; k += kInner) {
        Fragments a, b;
        load_a(k, a);
        load_b(k, b);
#pragma unroll
        for (int m = 0; m < 2; ++m)
#pragma unroll
          for (int n = 0; n < 4; ++n) Multiply(m, n, a[m], {b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]});
      }
  }

  __device__ void Multiply(int m, int n, const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    float(&upper)[2] = values[2 * m][n], (&lower)[2] = values[2 * m + 1][n];
    float d[4] = {upper[0], upper[1], lower[0], lower[1]};
    if constexpr (std::is_same_v<Operand, Tf32>)
      MultiplyTf32(d, a, b);
    else
      MultiplyBf16(d, a, b);
    upper[0] = d[0], upper[1] = d[1], lower[0] = d[2], lower[1] = d[3];
  }

  static __device__ void LoadA(Matrix<Operand> a, int k, Fragments& fragments) {
    const int matrix = Lane() / 8, row = matrix % 2 * 8 + Lane() % 8, column = k + matrix / 2 * kVector;
#pragma unroll
    for (int m = 0; m < 2; ++m) LoadMatrices(fragments[m], a.At(16 * m + row, column));
  }

  // Of a^T, from rows k and following of a.
  static __device__ void LoadAcrossA(Matrix<Operand> a, int k, Fragments& fragments) {
#pragma unroll
    for (int m = 0; m < 2; ++m) {
      if constexpr (std::is_same_v<Operand, Bf16>) {
        const int matrix = Lane() / 8;
        LoadMatricesTransposed(fragments[m], a.At(k + matrix / 2 * 8 + Lane() % 8, 16 * m + matrix % 2 * 8));
      } else {
#pragma unroll
        for (int i = 0; i < 4; ++i)
          fragments[m][i] = a.At(k + Lane() % 4 + i / 2 * 4, 16 * m + Lane() / 4 + i % 2 * 8)->bits;
      }
    }
  }

  // Of b, from its rows k and following.
  static __device__ void LoadAcross(Matrix<Operand> b, int k, Fragments& fragments) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      if constexpr (std::is_same_v<Operand, Bf16>) {
        const int matrix = Lane() / 8;
        LoadMatricesTransposed(fragments[half], b.At(k + matrix % 2 * 8 + Lane() % 8, 16 * half + matrix / 2 * 8));
      } else {
#pragma unroll
        for (int i = 0; i < 4; ++i)
          fragments[half][i] = b.At(k + Lane() % 4 + i % 2 * 4, 16 * half + Lane() / 4 + i / 2 * 8)->bits;
      }
    }
  }
};
template <int kTall>
struct WarpTile<Tf32, kTall> : TensorCoreTile<Tf32> {};
template <int kTall>
struct WarpTile<Bf16, kTall> : TensorCoreTile<Bf16> {};

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_WARP_TILE_H_
