#include <algorithm>
#include <string>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/vector.h"
#include "kernels/error.h"
#include "kernels/permute.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;

void CheckOrder(int order) { Check(order == 1 || order == 2, "Permute: the order must be 1 or 2, got ", order); }

// Calls f.template operator()<kWidth>() with the widest vectors that divide the channels.
template <class T, class F, class... Pointers>
void ForChannels(int64_t channels, F&& f, Pointers... pointers) {
  if constexpr (sizeof(T) == 4)
    if (channels % 4 == 0 && IsAligned<T, 4>(pointers...)) return f.template operator()<4>();
  if (channels % 2 == 0 && IsAligned<T, 2>(pointers...)) return f.template operator()<2>();
  f.template operator()<1>();
}

// ---- Permute and its gradient ----
//
//   y[o, i, j, :] = sum over s < samples of x[(o samples + s) / share, source[i], source[j], :],   i < lines, j < n,
//
// where source is row o samples + s of the index, or its inverse. Order 1 is the single line i = 0, which reads line 0.
// Forward has samples = 1 and share = `repeat`, backward samples = `repeat` and share = 1.
struct GatherShape {
  int64_t share, samples;
  int lines, n, columns;  // columns: vectors of channels
  bool inverse;
  int batch;   // samples whose sources are in shared memory at once
  int chunks;  // per line; a warp processes one chunk
};

// A block owns some lines of one output, and a warp one line or a chunk of one: 32 kVectors vectors of kWidth channels,
// whose sums are in registers. Shared memory holds the sources, [batch, n], inverted while loading. A warp writes
// contiguously and gathers, per sample, from one line of x, all of whose elements it uses while the line is in the L1
// cache. Bytes: y once; x once (forward, rows that share an x are neighbours and find it in the L2 cache); the index
// once per block.
template <class T, int kWidth, int kVectors>
__global__ void __launch_bounds__(kThreads) SumGathered(GatherShape shape, const int32_t* index, const T* x, T* y) {
  using V = Vector<T, kWidth>;
  const int n = shape.n, columns = shape.columns, size = n * columns;
  const int item = blockIdx.y * (blockDim.x / 32) + threadIdx.x / 32;
  const int line = item / shape.chunks, begin = item % shape.chunks * 32 * kVectors + threadIdx.x % 32;
  int node[kVectors], column[kVectors];
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    const int at = begin + v * 32;
    node[v] = columns == 1 ? at : at / columns;
    column[v] = at - node[v] * columns;
  }

  int32_t* sources = DynamicShared<int32_t>();
  V sums[kVectors] = {};
  for (int64_t first = 0; first < shape.samples; first += shape.batch) {
    const int64_t row = blockIdx.x * shape.samples + first;
    const int count = static_cast<int>(min(int64_t{shape.batch}, shape.samples - first));
    if (first > 0) __syncthreads();  // the previous sources have been read
    for (int i = threadIdx.x; i < count * n; i += blockDim.x) {
      const int source = index[row * n + i], sample = i / n;
      if (shape.inverse)
        sources[sample * n + source] = i - sample * n;
      else
        sources[i] = source;
    }
    __syncthreads();
    if (line >= shape.lines) continue;
    for (int sample = 0; sample < count; ++sample) {
      const int32_t* source = sources + sample * n;
      const V* from = reinterpret_cast<const V*>(x) +
                      ((row + sample) / shape.share * shape.lines + (shape.lines > 1 ? source[line] : 0)) * size;
      const bool add = first + sample > 0;
#pragma unroll
      for (int v = 0; v < kVectors; ++v) {
        if (node[v] >= n) continue;
        V value = from[source[node[v]] * columns + column[v]];
        if (add) value += sums[v];
        sums[v] = value;
      }
    }
  }
  if (line >= shape.lines) return;
  V* to = reinterpret_cast<V*>(y) + (int64_t{blockIdx.x} * shape.lines + line) * size;
#pragma unroll
  for (int v = 0; v < kVectors; ++v)
    if (node[v] < n) to[begin + v * 32] = sums[v];
}

template <class T>
void LaunchGather(const char* operation, Gpu gpu, int order, int64_t outputs, int64_t share, int64_t samples, int64_t n,
                  int64_t channels, bool inverse, const int32_t* index, const T* x, T* y) {
  CheckOrder(order);
  if (outputs == 0 || n == 0 || channels == 0) return;
  constexpr int64_t kSourceBytes = 32 << 10;
  const auto launch = [&]<int kWidth, int kVectors>() {
    GatherShape shape = {
        share,  samples, order == 1 ? 1 : static_cast<int>(n), static_cast<int>(n), static_cast<int>(channels / kWidth),
        inverse};
    shape.batch = static_cast<int>(std::clamp<int64_t>(kSourceBytes / (n * sizeof(int32_t)), 1, samples));
    shape.chunks = static_cast<int>(DivideUp<int64_t>(n * shape.columns, 32 * kVectors));
    const int64_t items = int64_t{shape.lines} * shape.chunks, warps = std::min<int64_t>(kWarps, items);
    Launch(operation, gpu, dim3(outputs, DivideUp(items, warps)), dim3(warps * 32), shape.batch * n * sizeof(int32_t),
           SumGathered<T, kWidth, kVectors>, shape, index, x, y);
  };
  ForChannels<T>(
      channels,
      [&]<int kWidth>() {
        const int64_t vectors = order == 1 ? 1 : DivideUp<int64_t>(n * channels / kWidth, 32);
        if (vectors <= 1) return launch.template operator()<kWidth, 1>();
        if (vectors <= 2) return launch.template operator()<kWidth, 2>();
        if (vectors <= 4) return launch.template operator()<kWidth, 4>();
        launch.template operator()<kWidth, 8>();
      },
      x, y);
}

// ---- PermuteStraightThrough ----
//
// Products a b^T of [n, k] matrices that are never formed. The inner index k runs over positions p = (s, c): node s of
// `inner` nodes and vector c of channels.
//
//   term 0:  a[i, p] = nodes[i, index[s], c],   b[r, p] = ranks[r, s, c]
//   term 1:  a[i, p] = nodes[index[s], i, c],   b[r, p] = ranks[s, r, c]
//
// Order 1 is term 0 with the single s = 0.
struct ProductShape {
  int64_t repeat;
  int n, inner, columns;  // columns: vectors of channels
  bool pairs;             // order 2
  bool transpose;
  bool vectors;  // whether rows of dsoft can be written in vectors
};

// A block owns kTile x kTile elements of one row's dsoft, a thread kOwn x kOwn of them in registers. Slices of the
// operands, kDepth long, pass through two buffers in shared memory, [kDepth, kTile] per operand: one is multiplied
// while the next is being loaded into registers. Loads are contiguous, along a row of nodes for term 0, along i and r
// for term 1. Flops: 2 kTile^2 k per block. Bytes: nodes and ranks once, from the L1 or L2 cache if a matrix has
// several tiles; dsoft once.
template <class T, int kWidth, int kTile, int kOwn>
__global__ void __launch_bounds__(kTile* kTile / (kOwn * kOwn))
    StraightThrough(ProductShape shape, const int32_t* index, const T* x, const T* dy, T beta, T* dsoft) {
  using V = Vector<T, kWidth>;
  using Own = Vector<T, kOwn>;
  constexpr int kThreads = kTile * kTile / (kOwn * kOwn), kDepth = 16, kPositions = kDepth / kWidth;
  constexpr int kRow = kTile + 4;  // row length of a buffer; the padding avoids bank conflicts on writing
  constexpr int kLoads = DivideUp(kTile * kPositions, kThreads);
  ORBIT_SHARED(buffers, Own[2][2][kDepth * kRow / kOwn]);
  int32_t* source = DynamicShared<int32_t>();  // [inner]

  const int n = shape.n, inner = shape.inner, columns = shape.columns, positions = inner * columns;
  const int64_t row = blockIdx.x, size = int64_t{n} * positions;
  const int first_i = blockIdx.y * kTile, first_r = blockIdx.z * kTile;
  const V *shared = reinterpret_cast<const V*>(x) + row / shape.repeat * size,
          *own = reinterpret_cast<const V*>(dy) + row * size;
  const V *nodes = shape.transpose ? shared : own, *ranks = shape.transpose ? own : shared;
  for (int s = threadIdx.x; s < inner; s += kThreads) source[s] = shape.pairs ? index[row * n + s] : 0;
  __syncthreads();

  // The l-th load of this thread for a slice: its row of the tile and its position in the slice.
  const auto place = [&](bool second, int l, int& tile_row, int& position) {
    const int at = threadIdx.x + l * kThreads;
    tile_row = second ? at % kTile : at / kPositions;
    position = second ? at / kTile : at % kPositions;
    return at < kTile * kPositions;
  };
  const int slices = DivideUp(positions, kPositions), all_slices = shape.pairs ? 2 * slices : slices;
  V a[kLoads], b[kLoads];
  const auto load = [&](int slice) {
    const bool second = slice >= slices;
#pragma unroll
    for (int l = 0; l < kLoads; ++l) {
      int tile_row, position;
      const bool mine = place(second, l, tile_row, position);
      const int p = (second ? slice - slices : slice) * kPositions + position;
      const int s = columns == 1 ? p : p / columns, c = p - s * columns, i = first_i + tile_row, r = first_r + tile_row;
      a[l] = b[l] = V{};
      if (!mine || p >= positions) continue;
      if (i < n) a[l] = nodes[(second ? source[s] * n + i : i * inner + source[s]) * columns + c];
      if (r < n) b[l] = ranks[(second ? s * n + r : r * inner + s) * columns + c];
    }
  };
  const auto store = [&](int slice) {
    T *to_a = reinterpret_cast<T*>(buffers[slice % 2][0]), *to_b = reinterpret_cast<T*>(buffers[slice % 2][1]);
#pragma unroll
    for (int l = 0; l < kLoads; ++l) {
      int tile_row, position;
      if (!place(slice >= slices, l, tile_row, position)) continue;
#pragma unroll
      for (int e = 0; e < kWidth; ++e) {
        to_a[(position * kWidth + e) * kRow + tile_row] = a[l][e];
        to_b[(position * kWidth + e) * kRow + tile_row] = b[l][e];
      }
    }
  };

  const int own_i = threadIdx.x / (kTile / kOwn), own_r = threadIdx.x % (kTile / kOwn);
  Own sums[kOwn] = {};
  if (all_slices > 0) load(0);
  for (int slice = 0; slice < all_slices; ++slice) {
    store(slice);
    __syncthreads();
    if (slice + 1 < all_slices) load(slice + 1);
#pragma unroll
    for (int k = 0; k < kDepth; ++k) {
      const Own of_a = buffers[slice % 2][0][k * (kRow / kOwn) + own_i];
      const Own of_b = buffers[slice % 2][1][k * (kRow / kOwn) + own_r];
#pragma unroll
      for (int i = 0; i < kOwn; ++i) sums[i] += of_a[i] * of_b;
    }
  }

  const int r = first_r + own_r * kOwn;
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
    const int node = first_i + own_i * kOwn + i;
    if (node >= n || r >= n) continue;
    T* to = dsoft + (row * n + node) * n + r;
    if (shape.vectors) {
      if (beta != T(0)) sums[i] += beta * *reinterpret_cast<const Own*>(to);
      *reinterpret_cast<Own*>(to) = sums[i];
    } else {
#pragma unroll
      for (int j = 0; j < kOwn; ++j)
        if (r + j < n) to[j] = beta != T(0) ? sums[i][j] + beta * to[j] : sums[i][j];
    }
  }
}

constexpr int kDiagonalTile = 32, kDiagonalRows = 8;

// A block computes a tile of kDiagonalTile nodes, those of the ranks q, by as many ranks r of one row's gradient. The
// part of x[r, q] is summed over channels where it is read, along q, and passes through shared memory to where the part
// of x[q, r] is read and the result is written, along r.
template <class T>
__global__ void __launch_bounds__(kDiagonalTile* kDiagonalRows)
    DiagonalStraightThrough(int n, int channels, const int32_t* index, const T* x, const T* dy, T* dsoft) {
  ORBIT_SHARED(tile, T[kDiagonalTile][kDiagonalTile + 1]);
  const int64_t row = blockIdx.x;
  const int first_q = blockIdx.y * kDiagonalTile, first_r = blockIdx.z * kDiagonalTile;
  const int lane = threadIdx.x % kDiagonalTile, line = threadIdx.x / kDiagonalTile;
  const T* image = x + row * n * n * channels;
  // The sum over channels of the gradient of rank q's node times pixel (a, b).
  const auto sum_of = [&](int node, int a, int b) {
    T sum = 0;
    for (int c = 0; c < channels; ++c)
      sum += dy[(row * n + node) * channels + c] * image[(int64_t{a} * n + b) * channels + c];
    return sum;
  };
  for (int i = line; i < kDiagonalTile; i += kDiagonalRows) {
    const int r = first_r + i, q = first_q + lane;
    if (r < n && q < n) tile[i][lane] = sum_of(index[row * n + q], r, q);
  }
  __syncthreads();
  for (int i = line; i < kDiagonalTile; i += kDiagonalRows) {
    const int q = first_q + i, r = first_r + lane;
    if (r >= n || q >= n) continue;
    const int node = index[row * n + q];
    dsoft[(row * n + node) * n + r] = tile[lane][i] + sum_of(node, q, r);
  }
}

// A thread per element of index.
__global__ void InvertKernel(int64_t size, int64_t n, const int32_t* index, int32_t* ranks) {
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < size) ranks[i / n * n + index[i]] = static_cast<int32_t>(i % n);
}

}  // namespace

template <class Device, class T>
void Permute(Device gpu, int order, int64_t rows, int64_t repeat, int64_t n, int64_t channels, bool transpose,
             const int32_t* index, const T* x, T* y) {
  LaunchGather("Permute", gpu, order, rows, repeat, 1, n, channels, !transpose, index, x, y);
}

template <class Device, class T>
void PermuteBackward(Device gpu, int order, int64_t rows, int64_t repeat, int64_t n, int64_t channels, bool transpose,
                     const int32_t* index, const T* dy, T* dx) {
  LaunchGather("PermuteBackward", gpu, order, rows / repeat, 1, repeat, n, channels, transpose, index, dy, dx);
}

template <class Device, class T>
void PermuteStraightThrough(Device gpu, int order, int64_t rows, int64_t repeat, int64_t n, int64_t channels,
                            bool transpose, const int32_t* index, const T* x, const T* dy, T beta, T* dsoft) {
  CheckOrder(order);
  if (rows == 0 || n == 0) return;
  ForChannels<T>(
      channels,
      [&]<int kWidth>() {
        const auto launch = [&]<int kTile, int kOwn>() {
          const ProductShape shape = {repeat,
                                      static_cast<int>(n),
                                      order == 1 ? 1 : static_cast<int>(n),
                                      static_cast<int>(channels / kWidth),
                                      order == 2,
                                      transpose,
                                      n % kOwn == 0 && IsAligned<T, kOwn>(dsoft)};
          const int64_t tiles = DivideUp<int64_t>(n, kTile);
          Launch("PermuteStraightThrough", gpu, dim3(rows, tiles, tiles), dim3(kTile * kTile / (kOwn * kOwn)),
                 shape.inner * sizeof(int32_t), StraightThrough<T, kWidth, kTile, kOwn>, shape, index, x, dy, beta,
                 dsoft);
        };
        if (n <= 8) return launch.template operator()<8, 1>();
        if (n <= 16) return launch.template operator()<16, 2>();
        if (n <= 32) return launch.template operator()<32, 2>();
        launch.template operator()<64, 4>();
      },
      x, dy);
}

template <class Device, class T>
void PermuteDiagonalStraightThrough(Device gpu, int64_t rows, int64_t n, int64_t channels, const int32_t* index,
                                    const T* x, const T* dy, T* dsoft) {
  if (rows == 0 || n == 0) return;
  const int64_t tiles = DivideUp<int64_t>(n, kDiagonalTile);
  Launch("PermuteDiagonalStraightThrough", gpu, dim3(rows, tiles, tiles), dim3(kDiagonalTile * kDiagonalRows), 0,
         DiagonalStraightThrough<T>, n, channels, index, x, dy, dsoft);
}

template <>
void InvertPermutations(Gpu gpu, int64_t rows, int64_t n, const int32_t* index, int32_t* ranks) {
  constexpr int kInvertThreads = 256;
  if (rows * n == 0) return;
  Launch("InvertPermutations", gpu, dim3(DivideUp<int64_t>(rows * n, kInvertThreads)), dim3(kInvertThreads), 0,
         InvertKernel, rows * n, n, index, ranks);
}

#define ORBIT_INSTANTIATE(T)                                                                                         \
  template void Permute(Gpu, int, int64_t, int64_t, int64_t, int64_t, bool, const int32_t*, const T*, T*);           \
  template void PermuteBackward(Gpu, int, int64_t, int64_t, int64_t, int64_t, bool, const int32_t*, const T*, T*);   \
  template void PermuteStraightThrough(Gpu, int, int64_t, int64_t, int64_t, int64_t, bool, const int32_t*, const T*, \
                                       const T*, T, T*);                                                             \
  template void PermuteDiagonalStraightThrough(Gpu, int64_t, int64_t, int64_t, const int32_t*, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
