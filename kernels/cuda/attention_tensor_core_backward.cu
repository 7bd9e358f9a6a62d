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

// dy . y of a row, computed by kChannels / 8 neighbouring lanes, which all get it; 0 if the row does not exist. All
// lanes of the warp call it.
template <int kChannels, class T, bool kWhole>
__device__ float Along(const Rows<const T, kWhole>& y, const Rows<const T, kWhole>& dy, int row) {
  constexpr int kLanes = kChannels / 8;
  const int channel = threadIdx.x % kLanes * 8;
  float sum = 0;
  if (row < y.count && channel < y.channels) {
    float a[8], b[8];
    LoadFloats(a, y, row, channel);
    LoadFloats(b, dy, row, channel);
#pragma unroll
    for (int e = 0; e < 8; ++e) sum += a[e] * b[e];
  }
  return WarpSum<kLanes>(sum);
}

// The 16 rows that a warp owns. With kKeys they are keys (`first`) and values (`second`), whose gradients are sums over
// queries; otherwise they are queries (`first`) and dy (`second`), and the gradients of the queries are sums over keys.
// The other side is read from tiles. Scores are computed with the warp's own rows as rows, so the accumulators of the
// first two products are operands of the other two.
template <class T, bool kKeys>
struct OwnRows {
  static constexpr int kChannels = 8 * T::kChunks;
  // The first kKept steps of the warp's rows stay in registers; the others are loaded again each time.
  static constexpr int kKept = kChannels <= 64 ? T::kSteps : 1;

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
    const int g = threadIdx.x % 32 / 4;
    StoreRow<false>(first_sums, factor, dfirst, to + g);
    StoreRow<true>(first_sums, factor, dfirst, to + g + 8);
    if constexpr (kKeys) {
      StoreRow<false>(second_sums, 1, dvalues, to + g);
      StoreRow<true>(second_sums, 1, dvalues, to + g + 8);
    }
  }

 private:
  // product += own rows times (16 rows of a tile)^T, summed over the channels.
  __device__ void Multiply(const T& own, const uint32_t (&rows)[kKept][4], const T& tile, int at,
                           float (&product)[2][4]) const {
#pragma unroll
    for (int k = 0; k < T::kSteps; ++k) {
      uint32_t again[4], b[4];
      tile.Right(b, at, k);
      if (k < kKept) {
        MultiplyTwo(product[0], product[1], rows[k], b);
      } else {
        own.Left(again, row, k);
        MultiplyTwo(product[0], product[1], again, b);
      }
    }
  }

  // sums += x times 16 rows of a tile.
  static __device__ void AddProduct(const float (&x)[2][4], const T& tile, int at, float (&sums)[T::kChunks][4]) {
    uint32_t a[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) a[i] = ToBf16(x[i / 2][i % 2 * 2], x[i / 2][i % 2 * 2 + 1]);
#pragma unroll
    for (int c = 0; c < T::kSteps; ++c) {
      uint32_t b[4];
      tile.RightAlongRows(b, at, c);
      MultiplyTwo(sums[2 * c], sums[2 * c + 1], a, b);
    }
  }

  T first, second;
  int row;
  uint32_t first_rows[kKept][4], second_rows[kKept][4];
  float first_sums[T::kChunks][4] = {}, second_sums[kKeys ? T::kChunks : 1][4] = {};
};

template <class T>
struct BackwardArrays {
  const T *projected, *y;
  const float* log_sums;
  const T* dy;
  T* dprojected;
};

// Short sequences: queries, keys, values and dy of a whole pair are in shared memory. Scores are computed twice, once
// for the gradients of keys and once for those of queries, so that warps synchronise only once and every sum belongs to
// one warp. Bytes: projected, y, dy and dprojected once, dy a second time from the L2 cache. Flops: 14 tokens^2
// channels per pair.
constexpr int kWholeWarps = 6;

template <class T, int kChannels, bool kWhole>
__global__ void __launch_bounds__(32 * kWholeWarps, kChannels <= 64 ? 2 : 1)
    WholeKernel(WholeHeads heads, BackwardArrays<T> arrays) {
  const int in_pair = threadIdx.x / 32 % heads.warps, group = threadIdx.x / 32 / heads.warps;
  const int threads = 32 * heads.warps, rank = threadIdx.x % threads;
  const int pair = blockIdx.x * heads.pairs + group, rows = 16 * heads.tiles;
  const Head<kWhole> head = {heads.sizes, pair};
  using HeadTile = Tile<kChannels, 4>;
  const int pair_chunks = 4 * rows * HeadTile::kChunks;
  const auto tile = [&](int i) { return HeadTile::Of(DynamicShared<Chunk>() + group * pair_chunks, i); };
  auto* statistics =
      reinterpret_cast<QueryStatistics*>(DynamicShared<Chunk>() + heads.pairs * pair_chunks) + group * rows;
  const HeadTile queries = tile(0), keys = tile(1), values = tile(2), gradients = tile(3);
  for (int part = 0; part < 3; ++part) tile(part).Load(head.Projected(arrays.projected, part), 0, rows, rank, threads);
  gradients.Load(head.Out(arrays.dy), 0, rows, rank, threads);
  __pipeline_commit();
  constexpr int kLanesARow = kChannels / 8;
  const float* log_sums = arrays.log_sums + int64_t{pair} * head.sizes.tokens;
#pragma unroll 1
  for (int first = in_pair * (32 / kLanesARow); first < rows; first += heads.warps * (32 / kLanesARow)) {
    const int row = first + threadIdx.x % 32 / kLanesARow;
    const float along = Along<kChannels>(head.Out(arrays.y), head.Out(arrays.dy), row);
    if (threadIdx.x % kLanesARow > 0) continue;
    statistics[row] = head.exists() && row < head.sizes.tokens ? QueryStatistics::Of(log_sums[row], along)
                                                               : QueryStatistics::OfNone();
  }
  __pipeline_wait_prior(0);
  __syncthreads();
  if (!head.exists()) return;
  const float factor = heads.sizes.Scale(), scale = factor * kLog2E;
  const auto sum = [&](auto own, const HeadTile& first, const HeadTile& second) {
#pragma unroll 1
    for (int at = 0; at < rows; at += 16) own.Add(first, second, at, head.sizes.tokens - at, statistics, scale);
    return own;
  };
  for (int unit = in_pair; unit < 2 * heads.tiles; unit += heads.warps) {
    if (const int row = 16 * unit; row < rows)
      sum(OwnRows<HeadTile, true>(keys, values, row), queries, gradients)
          .Store(head.Projected(arrays.dprojected, 1), head.Projected(arrays.dprojected, 2), row, factor);
    else
      sum(OwnRows<HeadTile, false>(queries, gradients, row - rows), keys, values)
          .Store(head.Projected(arrays.dprojected, 0), head.Projected(arrays.dprojected, 0), row - rows, factor);
  }
}

// Computes along [sequences, heads, tokens] for long sequences. Bytes: y and dy once.
constexpr int kAlongThreads = 256;

template <class T, int kChannels, bool kWhole>
__global__ void __launch_bounds__(kAlongThreads) AlongKernel(HeadSizes sizes, const T* y, const T* dy, float* along) {
  constexpr int kLanesARow = kChannels / 8;
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

template <class T, int kChannels, bool kWhole, bool kKeys>
__global__ void __launch_bounds__(32 * kTiledWarps, kChannels <= 64 ? 3 : 2)
    TiledKernel(HeadSizes sizes, int blocks, BackwardArrays<T> arrays, const float* along) {
  using PairTile = Tile<kChannels, 2>;
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
  OwnRows<PairTile, kKeys> own(own_tile(0), own_tile(1), row);
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

template <class T, int kChannels, bool kWhole>
void LaunchBackward(Gpu gpu, const AttentionShape& shape, const BackwardArrays<T>& arrays) {
  const WholeHeads heads(shape, 2, 1, kWholeWarps);
  const size_t shared_bytes =
      heads.pairs * heads.tiles * 16 * (4 * kChannels * sizeof(BFloat16) + sizeof(QueryStatistics));
  if (shape.tokens <= kMostTokens && shared_bytes <= MostDynamicSharedBytes(gpu))
    return Launch("AttentionBackward", gpu, dim3(heads.blocks()), dim3(heads.threads()), shared_bytes,
                  WholeKernel<T, kChannels, kWhole>, heads, arrays);
  const Scratch<float> along(gpu, shape.rows() * shape.heads);
  const int64_t along_threads = shape.rows() * shape.heads * (kChannels / 8);
  Launch("AttentionBackward", gpu, dim3(DivideUp<int64_t>(along_threads, kAlongThreads)), dim3(kAlongThreads), 0,
         AlongKernel<T, kChannels, kWhole>, HeadSizes(shape), arrays.y, arrays.dy, along.data());
  const int blocks = static_cast<int>(DivideUp<int64_t>(shape.tokens, kTiledRows));
  const auto launch = [&](auto* kernel) {
    Launch("AttentionBackward", gpu, dim3(shape.sequences * shape.heads * blocks), dim3(32 * kTiledWarps),
           kTiledRows * (6 * kChannels * sizeof(BFloat16) + 2 * sizeof(QueryStatistics)), kernel, HeadSizes(shape),
           blocks, arrays, along.data());
  };
  launch(TiledKernel<T, kChannels, kWhole, true>);
  launch(TiledKernel<T, kChannels, kWhole, false>);
}

}  // namespace

template <class T>
void TensorCoreAttentionBackward(Gpu gpu, const AttentionShape& shape, const T* projected, const T* y,
                                 const float* log_sums, const T* dy, T* dprojected) {
  ForTiles(
      shape.channels,
      [&]<int kChannels, bool kWhole>() {
        LaunchBackward<T, kChannels, kWhole>(gpu, shape, {projected, y, log_sums, dy, dprojected});
      },
      projected, y, dy, dprojected);
}

template void TensorCoreAttentionBackward(Gpu, const AttentionShape&, const float*, const float*, const float*,
                                          const float*, float*);
template void TensorCoreAttentionBackward(Gpu, const AttentionShape&, const BFloat16*, const BFloat16*, const float*,
                                          const BFloat16*, BFloat16*);

}  // namespace orbit::kernels
