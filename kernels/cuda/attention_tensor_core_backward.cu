#include <algorithm>
#include <bit>
#include <limits>

#include "kernels/cuda/attention_head.h"
#include "kernels/cuda/attention_tensor_core.h"
#include "kernels/cuda/reduce.h"

namespace orbit::kernels {
namespace {

// The statistics of a query. Its probabilities are 2^(scale score - log_sum), and the gradient of a score is
// probability (dprobability - along), where along = dy . y. A missing query has probability 0.
struct QueryStatistics {
  float log_sum, along;

  static __device__ QueryStatistics Of(float log_sum, float along) { return {log_sum * kLog2E, along}; }
  static __device__ QueryStatistics OfNone() { return {std::numeric_limits<float>::infinity(), 0}; }
};

// dy . y of a row, computed by kLanes<kChannels> neighbouring lanes, which all get it; 0 if the row does not exist. All
// lanes of the warp call it.
template <int kChannels>
constexpr int kLanes = std::bit_ceil(kChannels / 8u);

template <int kChannels, class T, bool kWhole>
__device__ float Along(const Rows<const T, kWhole>& y, const Rows<const T, kWhole>& dy, int row) {
  const int channel = threadIdx.x % kLanes<kChannels> * 8;
  float sum = 0;
  if (row < y.count && channel < y.channels) {
    float a[8], b[8];
    LoadFloats(a, y, row, channel);
    LoadFloats(b, dy, row, channel);
#pragma unroll
    for (int e = 0; e < 8; ++e) sum += a[e] * b[e];
  }
  return WarpSum<kLanes<kChannels>>(sum);
}

// The 16 rows that a warp owns. With kKeys they are keys (`first`) and values (`second`), whose gradients are sums over
// queries; otherwise they are queries (`first`) and dy (`second`), and the gradients of the queries are sums over keys.
// The other side is read from tiles. Scores are computed with the warp's own rows as rows, so the accumulators of the
// first two products are operands of the other two.
template <class E, int kChannels, bool kKeys>
struct OwnRows {
  using T = Tile<E, kChannels, 2>;
  // The first kKept steps of the warp's rows stay in registers; the others are loaded again each time.
  static constexpr int kKept = kChannels * sizeof(E) <= 128 ? T::kSteps : 1;

  __device__ OwnRows(const T& first, const T& second, int row) : first(first), second(second), row(row) {
#pragma unroll
    for (int k = 0; k < kKept; ++k) {
      first.Left(first_rows[k], row, k);
      second.Left(second_rows[k], row, k);
    }
  }

  // Adds the terms of 16 rows of the other side's tiles, from `at` on, of which the first `exist` exist. `statistics`
  // belong to the queries: with kKeys to the other side's, from its row 0 on, else to the warp's own.
  __device__ void Add(const T& other_first, const T& other_second, int at, int exist, const QueryStatistics* statistics,
                      float scale) {
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    const auto query_of = [&](int j, int e) -> const QueryStatistics& {
      return statistics[kKeys ? at + 8 * j + 2 * t + e % 2 : row + g + e / 2 * 8];
    };
    float weights[2][4] = {}, gradients[2][4] = {};
    Multiply(first, first_rows, other_first, at, weights);
#pragma unroll
    for (int j = 0; j < 2; ++j)
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        weights[j][e] = Exp2(weights[j][e] * scale - query_of(j, e).log_sum);
        if (!kKeys && 8 * j + 2 * t + e % 2 >= exist) weights[j][e] = 0;
      }
    if constexpr (kKeys) AddProduct(weights, other_second, at, second_sums);
    Multiply(second, second_rows, other_second, at, gradients);
#pragma unroll
    for (int j = 0; j < 2; ++j)
#pragma unroll
      for (int e = 0; e < 4; ++e) gradients[j][e] = weights[j][e] * (gradients[j][e] - query_of(j, e).along);
    AddProduct(gradients, other_first, at, first_sums);
  }

  // Writes the gradients of queries or keys, and of values, to the rows from `to` on.
  template <class U, bool kWhole>
  __device__ void Store(const Rows<U, kWhole>& dfirst, const Rows<U, kWhole>& dvalues, int to, float factor) const {
    StoreRows(first_sums[0], factor, dfirst, to);
    if constexpr (kKeys) StoreRows(second_sums[0], 1, dvalues, to);
  }

 private:
  // product += own rows times (16 rows of a tile)^T, summed over the channels.
  __device__ void Multiply(const T& own, const Operand<E> (&rows)[kKept], const T& tile, int at,
                           float (&product)[2][4]) const {
#pragma unroll
    for (int k = 0; k < T::kSteps; ++k) {
      Operand<E> again, b;
      tile.Right(b, at, k);
      if (k < kKept) {
        T::MultiplyStep(product, rows[k], b, k);
      } else {
        own.Left(again, row, k);
        T::MultiplyStep(product, again, b, k);
      }
    }
  }

  static __device__ void AddProduct(const float (&x)[2][4], const T& tile, int at, float (&sums)[1][T::kEights][4]) {
    const Operand<E> a[1] = {ToOperand<E>(x[0], x[1])};
    tile.MultiplyAlongRows(sums, a, at);
  }

  T first, second;
  int row;
  Operand<E> first_rows[kKept], second_rows[kKept];
  float first_sums[1][T::kEights][4] = {}, second_sums[1][kKeys ? T::kEights : 1][4] = {};
};

template <class T>
struct BackwardArrays {
  const T *projected, *y;
  const float* log_sums;
  const T* dy;
  T* dprojected;
};

// Short sequences. A block owns whole pairs; a warp owns 16 kTall keys of one, and has them, their values and the
// gradients of both in registers. All warps go through the pair's queries and dy in shared memory: scores and
// dy v^T are computed once, for the gradients of values and keys. The gradients of scores, rounded as operands are, are
// left in shared memory, transposed; when all are there, the warp computes the gradients of as many queries. That is
// five products where TiledKernel needs seven, without a sum of several warps, so that its order is fixed.
//
// Longer sequences have no room for the gradients of scores. To sum the queries' gradients through memory instead, from
// a part for every 128 keys, would be 8 bytes for 128 keys, a query and a channel, which at 4 TB/s take twice as long
// as the two products saved at 600 TFLOP/s.
//
// Bytes: projected, y, dy and dprojected once, keys and dy a second time from the L2 cache. Flops: 10 tokens^2 channels
// per pair.
constexpr int kMostWholeWarps = 8;  // with 255 registers each

template <class E, int kChannels>
constexpr int kWholeTall = kChannels * sizeof(E) <= 128 ? 2 : 1;

template <class E, int kChannels>
using WholeTile = Tile<E, kChannels, 3>;
// Gradients of scores of 16 queries, a row for every key.
template <class E>
using ScoreTile = Tile<E, 16, 1>;

// The 16 kTall keys that a warp owns.
template <class E, int kChannels, int kTall>
struct KeyRows {
  using PairTile = WholeTile<E, kChannels>;
  using Sums = float[kTall][PairTile::kEights][4];

  template <class T, bool kWhole>
  __device__ KeyRows(const Rows<const T, kWhole>& from_keys, const Rows<const T, kWhole>& from_values, int first)
      : first(first), exist(from_keys.count - first) {
#pragma unroll
    for (int i = 0; i < kTall; ++i) {
      PairTile::LoadLeft(keys[i], from_keys, first + 16 * i);
      PairTile::LoadLeft(values[i], from_values, first + 16 * i);
    }
  }

  // Adds the terms of 16 queries, from `at` on, and leaves the gradients of their scores. The first `rows` keys have
  // room there.
  __device__ void Add(const PairTile& queries, const PairTile& gradients, int at, const QueryStatistics* statistics,
                      float scale, const ScoreTile<E>& score_gradients, int rows) {
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    Vector<QueryStatistics, 2> of[2];
#pragma unroll
    for (int j = 0; j < 2; ++j)
      of[j] = *reinterpret_cast<const Vector<QueryStatistics, 2>*>(statistics + at + 8 * j + 2 * t);
    float weights[kTall][2][4] = {}, dweights[kTall][2][4] = {};
    Operand<E> operands[kTall];
    queries.MultiplyRows(weights, keys, at);
#pragma unroll
    for (int i = 0; i < kTall; ++i)
#pragma unroll
      for (int j = 0; j < 2; ++j)
#pragma unroll
        for (int e = 0; e < 4; ++e) weights[i][j][e] = Exp2(weights[i][j][e] * scale - of[j].elements[e % 2].log_sum);
    if (exist < 16 * kTall) {
#pragma unroll
      for (int i = 0; i < kTall; ++i)
#pragma unroll
        for (int e = 0; e < 4; ++e)
          if (16 * i + g + e / 2 * 8 >= exist) weights[i][0][e] = weights[i][1][e] = 0;
    }
#pragma unroll
    for (int i = 0; i < kTall; ++i) operands[i] = ToOperand<E>(weights[i][0], weights[i][1]);
    gradients.MultiplyAlongRows(dvalues, operands, at);
    gradients.MultiplyRows(dweights, values, at);
#pragma unroll
    for (int i = 0; i < kTall; ++i) {
#pragma unroll
      for (int j = 0; j < 2; ++j)
#pragma unroll
        for (int e = 0; e < 4; ++e) weights[i][j][e] *= dweights[i][j][e] - of[j].elements[e % 2].along;
      operands[i] = ToOperand<E>(weights[i][0], weights[i][1]);
      if (first + 16 * i < rows) score_gradients.Store(operands[i], first + 16 * i);
    }
    queries.MultiplyAlongRows(dkeys, operands, at);
  }

  int first, exist;
  Operand<E> keys[kTall][PairTile::kSteps], values[kTall][PairTile::kSteps];
  Sums dkeys = {}, dvalues = {};
};

// Asks the L2 cache for the line of an element. The emulator, which has none, reads the element.
template <class T>
__device__ __forceinline__ void PrefetchLine(const T* element) {
#ifdef __CUDACC__
  asm volatile("prefetch.global.L2 [%0];" ::"l"(element));
#else
  [[maybe_unused]] const volatile T value = *element;
#endif
}

// Prefetches what the next block here is going to load: where few blocks are resident, it would wait for memory with
// little else to run.
template <int kChannels, bool kWhole, class T>
__device__ void Prefetch(const Head<kWhole>& next, const BackwardArrays<T>& arrays, int rank, int threads) {
  constexpr int kLine = 128 / sizeof(T), kLines = (kChannels + kLine - 1) / kLine;
  const auto ask = [&](const Rows<const T, kWhole>& rows) {
    const int lines = rows.channels % kLine == 0 ? kLines : kLines + 1;  // a row may begin within a line
    for (int i = rank; i < rows.count * lines; i += threads)
      PrefetchLine(rows.At(i / lines, min(i % lines * kLine, rows.channels - 1)));
  };
  for (int part = 0; part < 3; ++part) ask(next.Projected(arrays.projected, part));
  ask(next.Out(arrays.dy));
  ask(next.Out(arrays.y));
}

// Chunks of shared memory per pair: queries, dy, keys, gradients of scores, and statistics.
template <class E, int kChannels>
__host__ __device__ constexpr int WholeChunks(int rows) {
  return 3 * rows * WholeTile<E, kChannels>::kChunks + rows / 16 * rows * ScoreTile<E>::kChunks +
         rows * sizeof(QueryStatistics) / sizeof(Chunk);
}

template <class E, class T, int kChannels, bool kWhole, int kTall>
__global__ void __launch_bounds__(32 * kMostWholeWarps, 1)
    WholeKernel(WholeHeads heads, int resident, BackwardArrays<T> arrays) {
  const int in_pair = threadIdx.x / 32 % heads.warps, group = threadIdx.x / 32 / heads.warps;
  const int threads = 32 * heads.warps, rank = threadIdx.x % threads;
  const int pair = blockIdx.x * heads.pairs + group, rows = 16 * heads.tiles;
  const Head<kWhole> head = {heads.sizes, pair};
  using PairTile = WholeTile<E, kChannels>;
  Chunk* shared = DynamicShared<Chunk>() + group * WholeChunks<E, kChannels>(rows);
  const PairTile queries = PairTile::Of(shared, 0), gradients = PairTile::Of(shared, 1), keys = PairTile::Of(shared, 2);
  shared += 3 * rows * PairTile::kChunks;
  const auto score_gradients = [&](int tile) { return ScoreTile<E>{shared + tile * rows * ScoreTile<E>::kChunks}; };
  auto* statistics = reinterpret_cast<QueryStatistics*>(shared + heads.tiles * rows * ScoreTile<E>::kChunks);
  Prefetch<kChannels>(Head<kWhole>{heads.sizes, pair + resident * heads.pairs}, arrays, rank, threads);
  queries.Load(head.Projected(arrays.projected, 0), 0, rows, rank, threads);
  gradients.Load(head.Out(arrays.dy), 0, rows, rank, threads);
  __pipeline_commit();
  keys.Load(head.Projected(arrays.projected, 1), 0, rows, rank, threads);  // for the fifth product
  __pipeline_commit();
  constexpr int kLanesARow = kLanes<kChannels>;
  const float* log_sums = arrays.log_sums + int64_t{pair} * head.sizes.tokens;
#pragma unroll 1
  for (int from = in_pair * (32 / kLanesARow); from < rows; from += heads.warps * (32 / kLanesARow)) {
    const int row = from + threadIdx.x % 32 / kLanesARow;
    const float along = Along<kChannels>(head.Out(arrays.y), head.Out(arrays.dy), row);
    if (threadIdx.x % kLanesARow > 0) continue;
    statistics[row] = head.exists() && row < head.sizes.tokens ? QueryStatistics::Of(log_sums[row], along)
                                                               : QueryStatistics::OfNone();
  }
  const int first = 16 * kTall * in_pair;
  const float factor = heads.sizes.Scale(), scale = factor * kLog2E;
  {
    KeyRows<E, kChannels, kTall> own(head.Projected(arrays.projected, 1), head.Projected(arrays.projected, 2), first);
    __pipeline_wait_prior(1);
    __syncthreads();
#pragma unroll 1
    for (int at = 0; at < rows; at += 16)
      own.Add(queries, gradients, at, statistics, scale, score_gradients(at / 16), rows);
#pragma unroll
    for (int i = 0; i < kTall; ++i) {
      StoreRows(own.dkeys[i], factor, head.Projected(arrays.dprojected, 1), first + 16 * i);
      StoreRows(own.dvalues[i], 1, head.Projected(arrays.dprojected, 2), first + 16 * i);
    }
  }
  __pipeline_wait_prior(0);
  __syncthreads();
  float dqueries[kTall][PairTile::kEights][4] = {};
#pragma unroll 1
  for (int at = 0; at < rows; at += 16) {
    Operand<E> a[kTall];
#pragma unroll
    for (int i = 0; i < kTall; ++i) score_gradients(min(first / 16 + i, heads.tiles - 1)).LeftAlongRows(a[i], at, 0);
    keys.MultiplyAlongRows(dqueries, a, at);
  }
#pragma unroll
  for (int i = 0; i < kTall; ++i) StoreRows(dqueries[i], factor, head.Projected(arrays.dprojected, 0), first + 16 * i);
}

// Computes along [sequences, heads, tokens] for long sequences. Bytes: y and dy once.
constexpr int kAlongThreads = 256;

template <class T, int kChannels, bool kWhole>
__global__ void __launch_bounds__(kAlongThreads) AlongKernel(HeadSizes sizes, const T* y, const T* dy, float* along) {
  constexpr int kLanesARow = kLanes<kChannels>;
  const int64_t number = (int64_t{blockIdx.x} * kAlongThreads + threadIdx.x) / kLanesARow;
  const Head<kWhole> head = {sizes, static_cast<int>(number / sizes.tokens)};
  const float sum = Along<kChannels>(head.Out(y), head.Out(dy), static_cast<int>(number % sizes.tokens));
  if (head.exists() && threadIdx.x % kLanesARow == 0) along[number] = sum;
}

// Long sequences: a block owns 64 keys, or 64 queries, of a pair. The other side passes through shared memory, 64 rows
// at a time, and the next rows are loaded while these are used. Bytes: per 64 own rows the pair's queries and dy, or
// its keys and values, from the L2 cache if they fit; all else once. Flops: 8 tokens^2 channels per pair for keys, 6
// for queries.
constexpr int kTiledWarps = 4, kTiledRows = 16 * kTiledWarps;

template <class E, class T, int kChannels, bool kWhole, bool kKeys>
__global__ void __launch_bounds__(32 * kTiledWarps, kChannels * sizeof(E) <= 128 ? 3 : 2)
    TiledKernel(HeadSizes sizes, int blocks, BackwardArrays<T> arrays, const float* along) {
  using PairTile = Tile<E, kChannels, 2>;
  constexpr int kThreads = 32 * kTiledWarps, kPairChunks = 2 * kTiledRows * PairTile::kChunks;
  const int pair = blockIdx.x / blocks;
  const Head<kWhole> head = {sizes, pair};
  const int own_first = blockIdx.x % blocks * kTiledRows;
  Chunk* shared = DynamicShared<Chunk>();
  const auto own_tile = [&](int i) { return PairTile::Of(shared, i); };
  const auto other_tile = [&](int number, int i) { return PairTile::Of(shared + (1 + number % 2) * kPairChunks, i); };
  auto* statistics = reinterpret_cast<QueryStatistics*>(shared + 3 * kPairChunks);
  const auto queries = head.Projected(arrays.projected, 0), keys = head.Projected(arrays.projected, 1),
             values = head.Projected(arrays.projected, 2), gradients = head.Out(arrays.dy);
  const auto load_statistics = [&](QueryStatistics* to, int first) {
    for (int i = threadIdx.x; i < kTiledRows; i += kThreads) {
      const int64_t number = int64_t{pair} * head.sizes.tokens + first + i;
      to[i] = first + i < head.sizes.tokens ? QueryStatistics::Of(arrays.log_sums[number], along[number])
                                            : QueryStatistics::OfNone();
    }
  };
  const auto load_others = [&](int i) {
    if (i * kTiledRows < head.sizes.tokens) {
      other_tile(i, 0).Load(kKeys ? queries : keys, i * kTiledRows, kTiledRows, threadIdx.x, kThreads);
      other_tile(i, 1).Load(kKeys ? gradients : values, i * kTiledRows, kTiledRows, threadIdx.x, kThreads);
      if (kKeys) load_statistics(statistics + i % 2 * kTiledRows, i * kTiledRows);
    }
    __pipeline_commit();
  };
  own_tile(0).Load(kKeys ? keys : queries, own_first, kTiledRows, threadIdx.x, kThreads);
  own_tile(1).Load(kKeys ? values : gradients, own_first, kTiledRows, threadIdx.x, kThreads);
  if (!kKeys) load_statistics(statistics, own_first);
  __pipeline_commit();
  load_others(0);
  __pipeline_wait_prior(1);
  __syncthreads();
  const int row = threadIdx.x / 32 * 16;
  OwnRows<E, kChannels, kKeys> own(own_tile(0), own_tile(1), row);
  const float scale = sizes.Scale() * kLog2E;
  for (int i = 0; i * kTiledRows < head.sizes.tokens; ++i) {
    load_others(i + 1);
    __pipeline_wait_prior(1);
    __syncthreads();
#pragma unroll 1
    for (int at = 0; at < kTiledRows; at += 16)
      own.Add(other_tile(i, 0), other_tile(i, 1), at, head.sizes.tokens - i * kTiledRows - at,
              statistics + (kKeys ? i % 2 * kTiledRows : 0), scale);
    __syncthreads();  // before the tiles are overwritten
  }
  own.Store(head.Projected(arrays.dprojected, kKeys ? 1 : 0), head.Projected(arrays.dprojected, 2), own_first + row,
            sizes.Scale());
}

template <class E, class T, int kChannels, bool kWhole>
void LaunchTiled(Gpu gpu, const AttentionShape& shape, const BackwardArrays<T>& arrays) {
  const Scratch<float> along(gpu, shape.rows() * shape.heads);
  const int64_t along_threads = shape.rows() * shape.heads * kLanes<kChannels>;
  Launch("AttentionBackward", gpu, dim3(DivideUp<int64_t>(along_threads, kAlongThreads)), dim3(kAlongThreads), 0,
         AlongKernel<T, kChannels, kWhole>, HeadSizes(shape), arrays.y, arrays.dy, along.data());
  const int blocks = static_cast<int>(DivideUp<int64_t>(shape.tokens, kTiledRows));
  const auto launch = [&](auto* kernel) {
    Launch("AttentionBackward", gpu, dim3(shape.sequences * shape.heads * blocks), dim3(32 * kTiledWarps),
           kTiledRows * (6 * kChannels * sizeof(E) + 2 * sizeof(QueryStatistics)), kernel, HeadSizes(shape), blocks,
           arrays, along.data());
  };
  launch(TiledKernel<E, T, kChannels, kWhole, true>);
  launch(TiledKernel<E, T, kChannels, kWhole, false>);
}

// Returns false where whole pairs do not fit.
template <class E, class T, int kChannels, bool kWhole, int kTall>
bool LaunchWhole(Gpu gpu, const AttentionShape& shape, const BackwardArrays<T>& arrays) {
  if (shape.tokens > 16 * kTall * kMostWholeWarps) return false;
  const int warps = static_cast<int>(DivideUp<int64_t>(shape.tokens, 16 * kTall));
  const WholeHeads heads(shape, kTall, std::max(warps, 4));
  const size_t shared_bytes = heads.pairs * WholeChunks<E, kChannels>(16 * heads.tiles) * sizeof(Chunk);
  if (shared_bytes > MostDynamicSharedBytes(gpu)) return false;
  const auto kernel = WholeKernel<E, T, kChannels, kWhole, kTall>;
  const int resident = ResidentBlocks(gpu, kernel, heads.threads(), shared_bytes) * Multiprocessors(gpu);
  Launch("AttentionBackward", gpu, dim3(heads.blocks()), dim3(heads.threads()), shared_bytes, kernel, heads, resident,
         arrays);
  return true;
}

}  // namespace

template <class E, class T>
void TensorCoreAttentionBackward(Gpu gpu, const AttentionShape& shape, const T* projected, const T* y,
                                 const float* log_sums, const T* dy, T* dprojected) {
  ForTiles<E>(
      shape.channels,
      [&]<int kChannels, bool kWhole>() {
        const BackwardArrays<T> arrays = {projected, y, log_sums, dy, dprojected};
        if constexpr (kChannels <= 64) {
          constexpr int kTall = kWholeTall<E, kChannels>;
          if (shape.tokens > 16 ? LaunchWhole<E, T, kChannels, kWhole, kTall>(gpu, shape, arrays)
                                : LaunchWhole<E, T, kChannels, kWhole, 1>(gpu, shape, arrays))
            return;
        }
        LaunchTiled<E, T, kChannels, kWhole>(gpu, shape, arrays);
      },
      projected, y, dy, dprojected);
}

#define ORBIT_INSTANTIATE(E, T)                                                                                        \
  template void TensorCoreAttentionBackward<E>(Gpu, const AttentionShape&, const T*, const T*, const float*, const T*, \
                                               T*);
ORBIT_INSTANTIATE(BFloat16, BFloat16)
ORBIT_INSTANTIATE(BFloat16, float)
ORBIT_INSTANTIATE(Tf32, float)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
