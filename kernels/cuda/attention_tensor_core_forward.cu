#include <limits>

#include "kernels/cuda/attention_head.h"
#include "kernels/cuda/attention_tensor_core.h"

namespace orbit::kernels {
namespace {

// The 16 kTall queries that a warp owns, and their running sums; keys and values are in shared memory, and what is
// loaded of them serves all the warp's queries. Scores and probabilities exist only in registers: the accumulators of
// the first product are operands of the second.
template <int kChannels, int kTall>
struct QueryRows {
  using KeyTile = Tile<kChannels, 2>;

  template <class T, bool kWhole>
  __device__ QueryRows(const Rows<const T, kWhole>& queries, int first) {
    const int g = threadIdx.x % 32 / 4;
#pragma unroll
    for (int i = 0; i < kTall; ++i) {
      uint32_t upper[KeyTile::kChunks], lower[KeyTile::kChunks];
      LoadRow(upper, queries, first + 16 * i + g);
      LoadRow(lower, queries, first + 16 * i + g + 8);
#pragma unroll
      for (int k = 0; k < KeyTile::kSteps; ++k) {
        q[i][k][0] = upper[2 * k];
        q[i][k][1] = lower[2 * k];
        q[i][k][2] = upper[2 * k + 1];
        q[i][k][3] = lower[2 * k + 1];
      }
      for (int half = 0; half < 2; ++half) largest[i][half] = -std::numeric_limits<float>::infinity();
    }
  }

  // Attends to 16 kBlocks keys from `row` of the tile on. Only the first `exist` >= 1 of them belong to the sequence.
  // scale * score is a logarithm to base 2.
  template <int kBlocks>
  __device__ void Attend(const KeyTile& keys, const KeyTile& values, int row, int exist, float scale) {
    float scores[kTall][2 * kBlocks][4] = {};
#pragma unroll
    for (int k = 0; k < KeyTile::kSteps; ++k)
#pragma unroll
      for (int j = 0; j < kBlocks; ++j) {
        uint32_t b[4];
        keys.Right(b, row + 16 * j, k);
#pragma unroll
        for (int i = 0; i < kTall; ++i) MultiplyTwo(scores[i][2 * j], scores[i][2 * j + 1], q[i][k], b);
      }
#pragma unroll
    for (int i = 0; i < kTall; ++i) ToProbabilities<kBlocks>(scores[i], i, exist, scale);
#pragma unroll
    for (int j = 0; j < kBlocks; ++j) {
      uint32_t probabilities[kTall][4];
#pragma unroll
      for (int i = 0; i < kTall; ++i) {
        const auto &left = scores[i][2 * j], &right = scores[i][2 * j + 1];
        probabilities[i][0] = ToBf16(left[0], left[1]);
        probabilities[i][1] = ToBf16(left[2], left[3]);
        probabilities[i][2] = ToBf16(right[0], right[1]);
        probabilities[i][3] = ToBf16(right[2], right[3]);
      }
#pragma unroll
      for (int c = 0; c < KeyTile::kSteps; ++c) {
        uint32_t b[4];
        values.RightAlongRows(b, row + 16 * j, c);
#pragma unroll
        for (int i = 0; i < kTall; ++i) MultiplyTwo(sums[i][2 * c], sums[i][2 * c + 1], probabilities[i], b);
      }
    }
  }

  template <class T, bool kWhole>
  __device__ void Store(const Rows<T, kWhole>& y, float* log_sums, int first, float scale) {
#pragma unroll
    for (int i = 0; i < kTall; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        total[i][half] += __shfl_xor_sync(kAllLanes, total[i][half], 1);
        total[i][half] += __shfl_xor_sync(kAllLanes, total[i][half], 2);
      }
      const int row = first + 16 * i + threadIdx.x % 32 / 4;
      StoreRow<false>(sums[i], 1.0f / total[i][0], y, row);
      StoreRow<true>(sums[i], 1.0f / total[i][1], y, row + 8);
      if (threadIdx.x % 4 > 0) continue;
      if (row < y.count) log_sums[row] = largest[i][0] * scale * kLn2 + logf(total[i][0]);
      if (row + 8 < y.count) log_sums[row + 8] = largest[i][1] * scale * kLn2 + logf(total[i][1]);
    }
  }

 private:
  // Scores of the i-th 16 queries become exponentials, relative to the largest score so far, and are added to the
  // total.
  template <int kBlocks>
  __device__ void ToProbabilities(float (&scores)[2 * kBlocks][4], int i, int exist, float scale) {
    if (exist < 16 * kBlocks) {
      const int t = threadIdx.x % 4;
#pragma unroll
      for (int j = 0; j < 2 * kBlocks; ++j)
#pragma unroll
        for (int e = 0; e < 4; ++e)
          if (8 * j + 2 * t + e % 2 >= exist) scores[j][e] = -std::numeric_limits<float>::infinity();
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float highest = largest[i][half];
#pragma unroll
      for (int j = 0; j < 2 * kBlocks; ++j) highest = max(highest, max(scores[j][2 * half], scores[j][2 * half + 1]));
      highest = max(highest, __shfl_xor_sync(kAllLanes, highest, 1));
      highest = max(highest, __shfl_xor_sync(kAllLanes, highest, 2));
      const float shift = highest * scale, shrink = Exp2(largest[i][half] * scale - shift);
      largest[i][half] = highest;
      total[i][half] *= shrink;
#pragma unroll
      for (int j = 0; j < 2 * kBlocks; ++j)
#pragma unroll
        for (int e = 2 * half; e < 2 * half + 2; ++e) {
          scores[j][e] = Exp2(scores[j][e] * scale - shift);
          total[i][half] += scores[j][e];
        }
#pragma unroll
      for (int c = 0; c < KeyTile::kChunks; ++c) {
        sums[i][c][2 * half] *= shrink;
        sums[i][c][2 * half + 1] *= shrink;
      }
    }
  }

  uint32_t q[kTall][KeyTile::kSteps][4];
  float sums[kTall][KeyTile::kChunks][4] = {};
  float largest[kTall][2];
  float total[kTall][2] = {};  // over this lane's columns
};

// The tiles of 16 queries that a warp has at once where there are so many.
template <int kChannels>
constexpr int kMostTall = kChannels <= 64 ? 2 : 1;

// Short sequences: a pair's keys and values are in shared memory and read once. Bytes: projected, y and log_sums once.
// Flops: 4 tokens^2 channels per pair.
constexpr int kWholeWarps = 7;  // 197 tokens are 13 tiles of 16: each warp has two at once, but for the last

// With 144 registers a multiprocessor holds two blocks of 7 warps; __launch_bounds__ would only go down to 128.
#ifdef __CUDACC__
#define ORBIT_MOST_REGISTERS(count) __maxnreg__(count)
#else
#define ORBIT_MOST_REGISTERS(count)
#endif

template <class T, int kChannels, bool kWhole, int kTall>
__global__ void ORBIT_MOST_REGISTERS(kChannels <= 64 ? 144 : 255)
    WholeKernel(WholeHeads heads, const T* projected, T* y, float* log_sums) {
  const int in_pair = threadIdx.x / 32 % heads.warps, group = threadIdx.x / 32 / heads.warps;
  const int threads = 32 * heads.warps, rank = threadIdx.x % threads;
  const int pair = blockIdx.x * heads.pairs + group, rows = 16 * heads.tiles;
  const Head<kWhole> head = {heads.sizes, pair};
  using KeyTile = Tile<kChannels, 2>;
  Chunk* shared = DynamicShared<Chunk>() + group * 2 * rows * KeyTile::kChunks;
  const KeyTile keys = KeyTile::Of(shared, 0), values = KeyTile::Of(shared, 1);
  keys.Load(head.Projected(projected, 1), 0, rows, rank, threads);
  values.Load(head.Projected(projected, 2), 0, rows, rank, threads);
  __pipeline_commit();
  int first = 16 * kTall * in_pair;
  QueryRows<kChannels, kTall> queries(head.Projected(projected, 0), first);  // while keys and values are on their way
  __pipeline_wait_prior(0);
  __syncthreads();
  if (!head.exists()) return;
  const float scale = heads.sizes.Scale() * kLog2E;
  while (first < rows) {
    int key = 0;
    if constexpr (kTall == 1) {  // else scores of 32 keys take too many registers
#pragma unroll 1
      for (; key + 16 < rows; key += 32) queries.template Attend<2>(keys, values, key, head.sizes.tokens - key, scale);
    }
#pragma unroll 1
    for (; key < rows; key += 16) queries.template Attend<1>(keys, values, key, head.sizes.tokens - key, scale);
    queries.Store(head.Out(y), log_sums + int64_t{pair} * head.sizes.tokens, first, scale);
    first += 16 * kTall * heads.warps;
    if (first < rows) queries = QueryRows<kChannels, kTall>(head.Projected(projected, 0), first);
  }
}

// Long sequences: a block owns 128 queries of a pair. Keys and values pass through shared memory, 64 at a time, and the
// next ones are loaded while these are used. Bytes: per 128 queries the pair's keys and values, from the L2 cache if
// they fit; all else once.
constexpr int kTiledQueries = 128, kTiledKeys = 64;

template <int kChannels>
constexpr int kTiledThreads = kTiledQueries / 16 / kMostTall<kChannels> * 32;

template <class T, int kChannels, bool kWhole>
__global__ void __launch_bounds__(kTiledThreads<kChannels>, kChannels <= 64 ? 3 : 1)
    TiledKernel(HeadSizes sizes, int blocks, const T* projected, T* y, float* log_sums) {
  using KeyTile = Tile<kChannels, 2>;
  constexpr int kThreads = kTiledThreads<kChannels>, kTall = kMostTall<kChannels>;
  const int pair = blockIdx.x / blocks;
  const Head<kWhole> head = {sizes, pair};
  const auto part = [&](int tile, int i) {
    return KeyTile::Of(DynamicShared<Chunk>() + tile % 2 * 2 * kTiledKeys * KeyTile::kChunks, i);
  };
  const auto load = [&](int tile) {
    const int first = tile * kTiledKeys;
    if (first < sizes.tokens)
      for (int i = 0; i < 2; ++i)
        part(tile, i).Load(head.Projected(projected, 1 + i), first, kTiledKeys, threadIdx.x, kThreads);
    __pipeline_commit();
  };
  load(0);
  const float scale = sizes.Scale() * kLog2E;
  const int first = blockIdx.x % blocks * kTiledQueries + threadIdx.x / 32 * 16 * kTall;
  QueryRows<kChannels, kTall> queries(head.Projected(projected, 0), first);
  for (int tile = 0; tile * kTiledKeys < head.sizes.tokens; ++tile) {
    load(tile + 1);
    __pipeline_wait_prior(1);
    __syncthreads();
#pragma unroll 1
    for (int key = 0; key < kTiledKeys; key += 32 / kTall) {
      const int exist = head.sizes.tokens - tile * kTiledKeys - key;
      if (exist > 0) queries.template Attend<2 / kTall>(part(tile, 0), part(tile, 1), key, exist, scale);
    }
    __syncthreads();  // before the tile is overwritten
  }
  queries.Store(head.Out(y), log_sums + int64_t{pair} * head.sizes.tokens, first, scale);
}

}  // namespace

template <class T>
void TensorCoreAttentionForward(Gpu gpu, const AttentionShape& shape, const T* projected, T* y, float* log_sums) {
  ForTiles(
      shape.channels,
      [&]<int kChannels, bool kWhole>() {
        if (shape.tokens <= kMostTokens) {
          const auto launch = [&]<int kTall>() {
            const WholeHeads heads(shape, 1, kTall, kWholeWarps);
            const size_t shared_bytes = size_t{2} * heads.pairs * heads.tiles * 16 * kChannels * sizeof(BFloat16);
            Launch("AttentionForward", gpu, dim3(heads.blocks()), dim3(heads.threads()), shared_bytes,
                   WholeKernel<T, kChannels, kWhole, kTall>, heads, projected, y, log_sums);
          };
          return shape.tokens > 16 ? launch.template operator()<kMostTall<kChannels>>()
                                   : launch.template operator()<1>();
        }
        const int blocks = static_cast<int>(DivideUp<int64_t>(shape.tokens, kTiledQueries));
        Launch("AttentionForward", gpu, dim3(shape.sequences * shape.heads * blocks), dim3(kTiledThreads<kChannels>),
               size_t{4} * kTiledKeys * kChannels * sizeof(BFloat16), TiledKernel<T, kChannels, kWhole>,
               HeadSizes(shape), blocks, projected, y, log_sums);
      },
      projected, y);
}

template void TensorCoreAttentionForward(Gpu, const AttentionShape&, const float*, float*, float*);
template void TensorCoreAttentionForward(Gpu, const AttentionShape&, const BFloat16*, BFloat16*, float*);

}  // namespace orbit::kernels
