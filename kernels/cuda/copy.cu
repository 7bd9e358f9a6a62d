#include <algorithm>
#include <limits>

#include "kernels/copy.h"
#include "kernels/cuda/divisor.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/vector.h"
#include "kernels/merge_axes.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 256;

// ---- CopyStrided ----

// A thread copies one vector along the last axis, in which both arrays are contiguous (a single element if kWidth is
// 1). Bytes: x and y once.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    LinesKernel(int64_t vectors, const __grid_constant__ Strided shape,
                const __grid_constant__ AxisDivisors<Strided> divisors, const T* x, T* y) {
  int64_t rest = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (rest >= vectors) return;
  int64_t x_offset = 0, y_offset = 0;
  for (int axis = shape.axes - 1; axis > 0; --axis) {
    int64_t place = 0;
    rest = divisors.sizes[axis].Divide(rest, place);
    place *= axis == shape.axes - 1 ? kWidth : 1;
    x_offset += place * shape.x_stride[axis];
    y_offset += place * shape.y_stride[axis];
  }
  if (shape.axes == 1) rest *= kWidth;
  x_offset += rest * shape.x_stride[0];
  y_offset += rest * shape.y_stride[0];
  using V = Vector<T, kWidth>;
  *reinterpret_cast<V*>(y + y_offset) = *reinterpret_cast<const V*>(x + x_offset);
}

template <int kWidth>
bool FitsVectors(const Strided& shape) {
  const int last = shape.axes - 1;
  if (shape.size[last] % kWidth != 0 || shape.x_stride[last] != 1 || shape.y_stride[last] != 1) return false;
  for (int i = 0; i < last; ++i)
    if (shape.x_stride[i] % kWidth != 0 || shape.y_stride[i] % kWidth != 0) return false;
  return true;
}

// For x contiguous along axis `columns` and y contiguous along axis `rows`: a block moves a tile of 32 x 32 through
// shared memory, so that both sides transfer whole lines; the padding column avoids bank conflicts. `tiles` blocks
// cover each index of the other axes. Bytes: x and y once.
constexpr int kTile = 32, kTileThreads = 256;

template <class T>
__global__ void __launch_bounds__(kTileThreads)
    TransposeKernel(const __grid_constant__ Strided shape, unsigned tiles, int rows, int columns, const T* x, T* y) {
  ORBIT_SHARED(tile, T[kTile][kTile + 1]);
  int64_t rest = blockIdx.x / tiles;
  const unsigned tile_of_place = blockIdx.x % tiles;
  for (int axis = shape.axes - 1; axis >= 0; --axis) {
    if (axis == rows || axis == columns) continue;
    const int64_t place = rest % shape.size[axis];
    rest /= shape.size[axis];
    x += place * shape.x_stride[axis];
    y += place * shape.y_stride[axis];
  }
  const int64_t across = DivideUp(shape.size[columns], kTile);
  const int64_t first_row = tile_of_place / across * kTile, first_column = tile_of_place % across * kTile;
  const int lane = threadIdx.x % kTile;
  for (int i = threadIdx.x / kTile; i < kTile; i += kTileThreads / kTile) {
    const int64_t row = first_row + i, column = first_column + lane;
    if (row < shape.size[rows] && column < shape.size[columns])
      tile[i][lane] = x[row * shape.x_stride[rows] + column * shape.x_stride[columns]];
  }
  __syncthreads();
  for (int i = threadIdx.x / kTile; i < kTile; i += kTileThreads / kTile) {
    const int64_t row = first_row + lane, column = first_column + i;
    if (row < shape.size[rows] && column < shape.size[columns])
      y[row * shape.y_stride[rows] + column * shape.y_stride[columns]] = tile[lane][i];
  }
}

// The axis along which the stride is 1, if it is long enough to be worthwhile; -1 if there is none.
int Contiguous(const Strided& shape, const std::array<int64_t, Strided::kMaxAxes>& stride) {
  for (int i = 0; i < shape.axes; ++i)
    if (stride[i] == 1 && shape.size[i] >= 8) return i;
  return -1;
}

// ---- Rows ----

// A thread copies one vector of y. Bytes: y twice, and the indices.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    GatherKernel(int64_t vectors, int64_t columns, const __grid_constant__ Divisor by_columns, int64_t x_rows,
                 const int64_t* index, const T* x, T* y) {
  using V = Vector<T, kWidth>;
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= vectors) return;
  int64_t column = 0;
  const int64_t from = index[by_columns.Divide(i, column)];
  V value;
  if (from >= 0 && from < x_rows) {
    value = reinterpret_cast<const V*>(x)[from * columns + column];
  } else {
#pragma unroll
    for (int e = 0; e < kWidth; ++e) value[e] = FromSumType<T>(std::numeric_limits<SumType<T>>::quiet_NaN());
  }
  reinterpret_cast<V*>(y)[i] = value;
}

// ScatterAddRows sums in two levels, so that many rows with the same target do not form one long chain. The rows are
// divided into segments of kThreads. Within a segment, the rows with the same target form a list, whose sum is assigned
// to its first row. The first rows of all lists with the same target form a second list.

// Builds the lists of the segments, a block per segment with its indices in shared memory. next[i] is the segment's
// next row with the target of row i, -1 at the end of the list. first_index[i] is index[i] if row i is first in its
// list, -1 otherwise and for an index outside. Integer work: up to kThreads comparisons per row, on chip.
__global__ void __launch_bounds__(kThreads)
    LinkSegment(int64_t rows, int64_t y_rows, const int64_t* index, int64_t* first_index, int32_t* next) {
  ORBIT_SHARED(indices, int64_t[kThreads]);
  const int64_t begin = int64_t{blockIdx.x} * kThreads;
  const int own = threadIdx.x, count = static_cast<int>(min(int64_t{kThreads}, rows - begin));
  if (own < count) indices[own] = index[begin + own];
  __syncthreads();
  if (own >= count) return;
  const int64_t place = indices[own];
  int after = own + 1, before = 0;
  while (after < count && indices[after] != place) ++after;
  while (indices[before] != place) ++before;
  next[begin + own] = after < count ? static_cast<int32_t>(begin + after) : -1;
  first_index[begin + own] = before == own && place >= 0 && place < y_rows ? place : -1;
}

// Builds, for each row of y, the list of first rows: `head` is its first element, next_first its links. A warp owns 32
// rows of y. It walks through all indices from last to first, 32 at a time; each lane links those of its own row.
// Integer work: `rows` indices per warp, from cache.
__global__ void __launch_bounds__(kThreads)
    LinkFirsts(int64_t rows, int64_t y_rows, const int64_t* first_index, int32_t* head, int32_t* next_first) {
  const int64_t own = int64_t{blockIdx.x} * kThreads + threadIdx.x, first = own / 32 * 32;
  const int lane = threadIdx.x % 32;
  int32_t latest = -1;
  for (int64_t begin = (rows - 1) / 32 * 32; begin >= 0; begin -= 32) {
    const int64_t target = begin + lane < rows ? first_index[begin + lane] - first : -1;
    unsigned mine = __ballot_sync(kAllLanes, target >= 0 && target < 32);
    for (; mine; mine &= ~(1u << (31 - __clz(static_cast<int>(mine))))) {
      const int from = 31 - __clz(static_cast<int>(mine));
      if (__shfl_sync(kAllLanes, target, from) == lane && own < y_rows) {
        next_first[begin + from] = latest;
        latest = static_cast<int32_t>(begin + from);
      }
    }
  }
  if (own < y_rows) head[own] = latest;
}

// sums[i] = sum of the list that starts with row i, if it has more than one row. A thread sums one vector. Bytes: x
// once, for rows in such lists, and one sum per list.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    SumSegments(int64_t vectors, int64_t columns, const __grid_constant__ Divisor by_columns,
                const int64_t* first_index, const int32_t* next, const T* x, SumType<T>* sums) {
  using V = Vector<T, kWidth>;
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= vectors) return;
  int64_t column = 0;
  int32_t from = static_cast<int32_t>(by_columns.Divide(i, column));
  if (first_index[from] < 0 || next[from] < 0) return;
  Vector<SumType<T>, kWidth> sum = {};
  sum += reinterpret_cast<const V*>(x)[i];
  while ((from = next[from]) >= 0) sum += reinterpret_cast<const V*>(x)[from * columns + column];
  StoreSums(sum, sums + i * kWidth);
}

// A thread owns one vector of y and follows its row's list of lists. Bytes: per list its sum, or its only row, once; y
// twice.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    AddSegments(int64_t vectors, int64_t columns, const __grid_constant__ Divisor by_columns, const int32_t* head,
                const int32_t* next_first, const int32_t* next, const T* x, const SumType<T>* sums, T* y) {
  using V = Vector<T, kWidth>;
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= vectors) return;
  int64_t column = 0;
  int32_t from = head[by_columns.Divide(i, column)];
  if (from < 0) return;
  V& place = reinterpret_cast<V*>(y)[i];
  Vector<SumType<T>, kWidth> sum = {};
  sum += place;
  for (; from >= 0; from = next_first[from]) {
    const int64_t at = from * columns + column;
    if (next[from] < 0)
      sum += reinterpret_cast<const V*>(x)[at];
    else
      AddSums(sums + at * kWidth, sum);
  }
  StoreRounded(sum, place);
}

}  // namespace

template <class Device, class T>
void CopyStrided(Device gpu, const Strided& strided, const T* x, T* y) {
  constexpr int kWidth = kFullWidth<T>;
  const Strided shape = MergeAxes(strided, &Strided::x_stride, &Strided::y_stride);
  int64_t size = 1;
  for (int i = 0; i < shape.axes; ++i) size *= shape.size[i];
  if (size == 0) return;
  const int rows = Contiguous(shape, shape.y_stride), columns = Contiguous(shape, shape.x_stride);
  if (rows >= 0 && columns >= 0 && rows != columns) {
    const int64_t tiles = DivideUp<int64_t>(shape.size[rows], kTile) * DivideUp<int64_t>(shape.size[columns], kTile);
    Launch("CopyStrided", gpu, dim3(tiles * (size / (shape.size[rows] * shape.size[columns]))), dim3(kTileThreads), 0,
           TransposeKernel<T>, shape, tiles, rows, columns, x, y);
    return;
  }
  if (FitsVectors<kWidth>(shape) && IsAligned<T, kWidth>(x, y))
    Launch("CopyStrided", gpu, dim3(DivideUp<int64_t>(size / kWidth, kThreads)), dim3(kThreads), 0,
           LinesKernel<T, kWidth>, size / kWidth, shape, AxisDivisors<Strided>(shape, kWidth), x, y);
  else
    Launch("CopyStrided", gpu, dim3(DivideUp<int64_t>(size, kThreads)), dim3(kThreads), 0, LinesKernel<T, 1>, size,
           shape, AxisDivisors<Strided>(shape, 1), x, y);
}

template <class Device, class T>
void GatherRows(Device gpu, int64_t rows, int64_t columns, int64_t x_rows, const int64_t* index, const T* x, T* y) {
  if (rows * columns == 0) return;
  const auto launch = [&]<int kWidth>() {
    const int64_t vectors = rows * columns / kWidth;
    Launch("GatherRows", gpu, dim3(DivideUp<int64_t>(vectors, kThreads)), dim3(kThreads), 0, GatherKernel<T, kWidth>,
           vectors, columns / kWidth, Divisor(columns / kWidth), x_rows, index, x, y);
  };
  ForVectors<T>(columns, launch, x, y);
}

template <class Device, class T>
void ScatterAddRows(Device gpu, int64_t rows, int64_t columns, int64_t y_rows, const int64_t* index, const T* x, T* y) {
  if (rows * columns * y_rows == 0) return;
  const Scratch<int32_t> head(gpu, y_rows), next(gpu, rows), next_first(gpu, rows);
  const Scratch<int64_t> first_index(gpu, rows);
  const Scratch<SumType<T>> sums(gpu, rows * columns);
  const auto blocks = [](int64_t threads) { return dim3(DivideUp<int64_t>(threads, kThreads)); };
  Launch("ScatterAddRows", gpu, blocks(rows), dim3(kThreads), 0, LinkSegment, rows, y_rows, index, first_index.data(),
         next.data());
  Launch("ScatterAddRows", gpu, blocks(y_rows), dim3(kThreads), 0, LinkFirsts, rows, y_rows, first_index.data(),
         head.data(), next_first.data());
  const auto launch = [&]<int kWidth>() {
    const int64_t width = columns / kWidth;
    Launch("ScatterAddRows", gpu, blocks(rows * width), dim3(kThreads), 0, SumSegments<T, kWidth>, rows * width, width,
           Divisor(width), first_index.data(), next.data(), x, sums.data());
    Launch("ScatterAddRows", gpu, blocks(y_rows * width), dim3(kThreads), 0, AddSegments<T, kWidth>, y_rows * width,
           width, Divisor(width), head.data(), next_first.data(), next.data(), x, sums.data(), y);
  };
  ForVectors<T>(columns, launch, x, y, sums.data());
}

#define ORBIT_INSTANTIATE(T)                                                              \
  template void CopyStrided(Gpu, const Strided&, const T*, T*);                           \
  template void GatherRows(Gpu, int64_t, int64_t, int64_t, const int64_t*, const T*, T*); \
  template void ScatterAddRows(Gpu, int64_t, int64_t, int64_t, const int64_t*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
