// Products of small matrices in shared memory, with a tile of 32 columns per warp. Operands are float, multiplied by
// single-precision FMAs, or Tf32 or Bf16, multiplied by tensor cores. Sums are always f32. All lanes of a warp call.
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

struct Bf16 {
  uint16_t bits;
};

__device__ inline float ToFloat(float value) { return value; }
__device__ inline float ToFloat(Tf32 value) { return __uint_as_float(value.bits); }
__device__ inline float ToFloat(Bf16 value) { return __uint_as_float(uint32_t{value.bits} << 16); }

// Stores neighbouring elements at once, rounded to the operand's type.
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

// An address in shared memory; on GPUs a short one of that address space.
#ifdef __CUDACC__
using SharedAddress = unsigned;
__device__ inline SharedAddress AddressOf(const void* shared) {
  return static_cast<unsigned>(__cvta_generic_to_shared(shared));
}
template <class T>
__device__ T* InShared(SharedAddress address) {
  return static_cast<T*>(__cvta_shared_to_generic(address));
}
#else
using SharedAddress = uintptr_t;
inline SharedAddress AddressOf(const void* shared) { return reinterpret_cast<uintptr_t>(shared); }
template <class T>
T* InShared(SharedAddress address) {
  return reinterpret_cast<T*>(address);
}
#endif

// A view of a matrix in shared memory with rows of 64 elements, aligned to 256 bytes. The 16-byte vectors of a row are
// permuted depending on the row number, by a rule that depends on the kernel's Operand, so that the lanes of a warp use
// different banks when they read down a column or along rows.
template <class Element, class Operand = Element>
struct Matrix {
  static constexpr int kPitch = 64, kVector = 16 / sizeof(Element);
  static constexpr int kBytes = 64 * kPitch * sizeof(Element);  // for 64 rows

  SharedAddress start;
  int column = 0;

  static __device__ Matrix From(void* memory) { return {AddressOf(memory)}; }
  __device__ Matrix Rows(int first) const {  // first: a multiple of 32
    return {start + first * kPitch * static_cast<int>(sizeof(Element)), column};
  }
  __device__ Matrix Columns(int first) const { return {start, column + first}; }  // first: a multiple of 8
  template <class Other>
  __device__ Matrix<Other, Operand> As() const {  // Other has the same size
    static_assert(sizeof(Other) == sizeof(Element));
    return {start, column};
  }

  __device__ Element* At(int row, int c) const { return At(RowAt(row), c); }
  // At in two steps; the second one is only an exclusive or.
  __device__ SharedAddress RowAt(int row) const {
    return start + row * kPitch * static_cast<int>(sizeof(Element)) + Key(row) * 16;
  }
  __device__ Element* At(SharedAddress row, int c) const {
    return InShared<Element>(row ^ static_cast<SharedAddress>((column + c) * static_cast<int>(sizeof(Element))));
  }
  // The vector of 4 at column c, or `down` rows below, where Key must be the same.
  __device__ Vector<float, 4> Load4(SharedAddress row, int c, int down = 0) const {
    static_assert(sizeof(Element) == 4);
    return *reinterpret_cast<const Vector<float, 4>*>(At(row, c) + down * kPitch);
  }

  // With float operands, lanes read several neighbouring rows each. With other operands a warp reads 8 rows at once or,
  // across a matrix, 4 rows with two vectors each.
  static __device__ int Key(int row) {
    return std::is_same_v<Operand, float> ? row >> 2 & 7 : (row & 3) << 1 | (row >> 2 & 1);
  }
};

// The thread's number, and its lane. The compiler must assume that they change between calls, so that it does not keep
// addresses derived from them in registers from one product to the next.
__device__ __forceinline__ int ThreadAnew() {
  int thread = threadIdx.x;
#ifdef __CUDACC__
  asm volatile("" : "+r"(thread));
#endif
  return thread;
}
__device__ __forceinline__ int LaneAnew() { return ThreadAnew() % 32; }

// ---- Tiles ----
//
// A WarpTile is a matrix of 32 columns in the registers of a warp. A lane owns kRows rows and, of each, kVectors
// vectors of kWidth neighbouring columns: values[i][v][e] is in row Row(i), column Column(v) + e. kLanesOfRow
// neighbouring lanes share the same rows. `inner` is the inner dimension of a product. These functions add a product to
// the tile:
//
//   MultiplyNT   a b^T, a [rows, inner], b [32, inner];   inner a multiple of 16
//   MultiplyNN   a b,   a [rows, inner], b [inner, 32];   inner a multiple of 16
//   MultiplyTN   a^T b, a [inner, rows], b [inner, 32];   reads up to the next multiple of 4, on tensor cores of 16
template <class Derived, int kRows, int kVectors, int kWidth>
struct TileBase {
  float values[kRows][kVectors][kWidth];

  // Calls f(i, v, row, column, values[i][v]) for all vectors of the lane.
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

// A tile of 4 kTall rows, kTall x 4 per lane. With kTall = 8, 12 vectors are loaded per 128 FMAs.
template <class Operand, int kTall>
struct WarpTile : TileBase<WarpTile<float, kTall>, kTall, 1, 4> {
  static_assert(std::is_same_v<Operand, float>);
  static constexpr int kRows = kTall, kVectors = 1, kWidth = 4, kLanesOfRow = 8;
  using TileBase<WarpTile<float, kTall>, kTall, 1, 4>::values;
  static __device__ int Row(int i) { return static_cast<int>(threadIdx.x % 32) / 8 * kTall + i; }
  static __device__ int Column(int) { return static_cast<int>(threadIdx.x % 32) % 8 * 4; }

  __device__ void MultiplyNT(Matrix<float> a, Matrix<float> b, int inner) {
    const int lane = LaneAnew();
    SharedAddress rows[kTall];
#pragma unroll
    for (int i = 0; i < kTall; ++i) rows[i] = a.RowAt(lane / 8 * kTall + i);
    const SharedAddress columns = b.RowAt(lane % 8 * 4);  // four neighbouring rows have the same key
    for (int first = 0; first < inner; first += 16)
#pragma unroll
      for (int k = first; k < first + 16; k += 4) {
        Vector<float, 4> column[4];
#pragma unroll
        for (int j = 0; j < 4; ++j) column[j] = b.Load4(columns, k, j);
#pragma unroll
        for (int i = 0; i < kTall; ++i) {
          const Vector<float, 4> row = a.Load4(rows[i], k);
#pragma unroll
          for (int e = 0; e < 4; ++e)
#pragma unroll
            for (int j = 0; j < 4; ++j) values[i][0][j] += row[e] * column[j][e];
        }
      }
  }

  __device__ void MultiplyNN(Matrix<float> a, Matrix<float> b, int inner) {
    const int lane = LaneAnew();
    SharedAddress rows[kTall];
#pragma unroll
    for (int i = 0; i < kTall; ++i) rows[i] = a.RowAt(lane / 8 * kTall + i);
    for (int first = 0; first < inner; first += 16)
#pragma unroll
      for (int k = first; k < first + 16; k += 4) {
        const SharedAddress at_b = b.RowAt(k);
        Vector<float, 4> columns[4];
#pragma unroll
        for (int e = 0; e < 4; ++e) columns[e] = b.Load4(at_b, lane % 8 * 4, e);
#pragma unroll
        for (int i = 0; i < kTall; ++i) {
          const Vector<float, 4> row = a.Load4(rows[i], k);
#pragma unroll
          for (int e = 0; e < 4; ++e)
#pragma unroll
            for (int j = 0; j < 4; ++j) values[i][0][j] += row[e] * columns[e][j];
        }
      }
  }

  __device__ void MultiplyTN(Matrix<float> a, Matrix<float> b, int inner) {
    static_assert(kTall % 4 == 0);
    const int lane = LaneAnew();
#pragma unroll 2
    for (int first = 0; first < inner; first += 4) {
      const SharedAddress at_a = a.RowAt(first), at_b = b.RowAt(first);
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        const Vector<float, 4> row = b.Load4(at_b, lane % 8 * 4, k);
#pragma unroll
        for (int i = 0; i < kTall; i += 4) {
          const Vector<float, 4> column = a.Load4(at_a, lane / 8 * kTall + i, k);
#pragma unroll
          for (int e = 0; e < 4; ++e)
#pragma unroll
            for (int j = 0; j < 4; ++j) values[i + e][0][j] += column[e] * row[j];
        }
      }
    }
  }
};

// A tile of 32 rows and 32 (here also 16) columns: 2 x 4 (or 2 x 2) products of [16, k] times [k, 8], one instruction
// each. For all of them a warp loads 4 (or 3) times 4 matrices of 8 rows of 16 bytes.
template <class Operand, int kColumns = 32>
struct TensorCoreTile : TileBase<TensorCoreTile<Operand, kColumns>, 4, kColumns / 8, 2> {
  static constexpr int kRows = 4, kVectors = kColumns / 8, kWidth = 2, kLanesOfRow = 4;
  static constexpr int kVector = Matrix<Operand>::kVector;
  static constexpr int kInner = 2 * kVector;  // inner dimension of an instruction
  using TileBase<TensorCoreTile<Operand, kColumns>, 4, kColumns / 8, 2>::values;
  static __device__ int Row(int i) { return i * 8 + static_cast<int>(threadIdx.x % 32) / 4; }
  static __device__ int Column(int v) { return v * 8 + static_cast<int>(threadIdx.x % 32) % 4 * 2; }

  __device__ void MultiplyNT(Matrix<Operand> a, Matrix<Operand> b, int inner) {
    const int lane = LaneAnew();
    const RowsOfA rows(lane, a);
    const int matrix = lane / 8, column = matrix % 2 * kVector;
    const SharedAddress row = b.RowAt(matrix / 2 * 8 + lane % 8);
    Multiply(
        inner, [&](int k, FragmentsOfA& fragments) { rows.Load(k, fragments); },
        [&](int k, FragmentsOfB& fragments) {
#pragma unroll
          for (int half = 0; half < kColumns / 16; ++half)
            LoadMatrices(fragments[half], b.At(row, k + column) + half * 16 * b.kPitch);
        });
  }

  __device__ void MultiplyNN(Matrix<Operand> a, Matrix<Operand> b, int inner) {
    const int lane = LaneAnew();
    const RowsOfA rows(lane, a);
    Multiply(
        inner, [&](int k, FragmentsOfA& fragments) { rows.Load(k, fragments); },
        [&](int k, FragmentsOfB& fragments) { LoadAcross</*kAcross=*/2, /*kDown=*/1>(lane, b, k, fragments); });
  }

  __device__ void MultiplyTN(Matrix<Operand> a, Matrix<Operand> b, int inner) {
    const int lane = LaneAnew();
    Multiply(
        inner, [&](int k, FragmentsOfA& fragments) { LoadAcross</*kAcross=*/1, /*kDown=*/2>(lane, a, k, fragments); },
        [&](int k, FragmentsOfB& fragments) { LoadAcross</*kAcross=*/2, /*kDown=*/1>(lane, b, k, fragments); });
  }

  // Adds a b for a tile a and b [32, kColumns]. The elements that a lane has of the tile a are those it needs of an
  // operand: in bf16 directly, in tf32 after permuting the columns, whose pairs are 4 instead of 1 apart, and the rows
  // of b likewise.
  __device__ void MultiplyTile(const TensorCoreTile<Operand>& a, Matrix<Operand> b) {
    const int lane = LaneAnew();
#pragma unroll
    for (int k = 0; k < 32; k += kInner) {
      FragmentsOfA of_a;
      FragmentsOfB of_b;
#pragma unroll
      for (int m = 0; m < 2; ++m)
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int row = 2 * m + i % 2;
          if constexpr (std::is_same_v<Operand, Bf16>)
            of_a[m][i] = ToBf16(a.values[row][k / 8 + i / 2][0], a.values[row][k / 8 + i / 2][1]);
          else
            of_a[m][i] = ToTf32(a.values[row][k / 8][i / 2]);
        }
      if constexpr (std::is_same_v<Operand, Bf16>) {
        LoadAcross</*kAcross=*/2, /*kDown=*/1>(lane, b, k, of_b);
      } else {
#pragma unroll
        for (int half = 0; half < kColumns / 16; ++half)
#pragma unroll
          for (int i = 0; i < 4; ++i)
            of_b[half][i] = b.At(k + lane % 4 * 2 + i % 2, 16 * half + i / 2 * 8 + lane / 4)->bits;
      }
      Multiply(of_a, of_b);
    }
  }

 private:
  // Fragments of a: rows 0 to 15, then 16 to 31. Fragments of b: columns 0 to 15, then 16 to 31, of which the first two
  // registers hold the first 8 columns.
  using FragmentsOfA = uint32_t[2][4];
  using FragmentsOfB = uint32_t[kColumns / 16][4];

  template <class FragmentsA, class FragmentsB>
  __device__ void Multiply(int inner, FragmentsA&& load_a, FragmentsB&& load_b) {
#pragma unroll 1
    for (int first = 0; first < inner; first += 16)
#pragma unroll
      for (int k = first; k < first + 16; k += kInner) {
        FragmentsOfA a;
        FragmentsOfB b;
        load_a(k, a);
        load_b(k, b);
        Multiply(a, b);
      }
  }

  __device__ void Multiply(const FragmentsOfA& a, const FragmentsOfB& b) {
#pragma unroll
    for (int m = 0; m < 2; ++m)
#pragma unroll
      for (int n = 0; n < kVectors; ++n) Multiply(m, n, a[m], {b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]});
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

  // Loads the fragments of a untransposed a: columns k and following.
  struct RowsOfA {
    __device__ RowsOfA(int lane, Matrix<Operand> a)
        : a(a), row(a.RowAt(lane / 8 % 2 * 8 + lane % 8)), column(lane / 16 * kVector) {}
    __device__ void Load(int k, FragmentsOfA& fragments) const {
#pragma unroll
      for (int m = 0; m < 2; ++m) LoadMatrices(fragments[m], a.At(row, k + column) + m * 16 * a.kPitch);
    }
    Matrix<Operand> a;
    SharedAddress row;
    int column;
  };

  // Loads the fragments of a transposed a, or of b: rows k and following. Register i is 8 (in tf32 4) rows further down
  // if i & kDown, and 8 columns further right if i & kAcross.
  template <int kAcross, int kDown, int kHalves>
  static __device__ void LoadAcross(int lane, Matrix<Operand> from, int k, uint32_t (&fragments)[kHalves][4]) {
#pragma unroll
    for (int half = 0; half < kHalves; ++half) {
      if constexpr (std::is_same_v<Operand, Bf16>) {
        const int matrix = lane / 8;
        const SharedAddress row = from.RowAt(k + (matrix & kDown ? 8 : 0) + lane % 8);
        LoadMatricesTransposed(fragments[half], from.At(row, 16 * half + (matrix & kAcross ? 8 : 0)));
      } else {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const SharedAddress row = from.RowAt(k + (i & kDown ? 4 : 0) + lane % 4);
          fragments[half][i] = from.At(row, 16 * half + (i & kAcross ? 8 : 0) + lane / 4)->bits;
        }
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
