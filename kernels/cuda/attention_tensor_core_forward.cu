#include <algorithm>

#include "kernels/cuda/attention_head.h"
#include "kernels/cuda/attention_results.h"
#include "kernels/cuda/attention_tensor_core.h"

namespace orbit::kernels {
namespace {

// The 16 kTall queries that a warp owns, and their results; keys and values are in shared memory, and what is loaded of
// them serves all the warp's queries. Scores and probabilities exist only in registers: the accumulators of the first
// product are operands of the second.
template <class E, int kChannels, int kTall>
struct QueryRows {
  using KeyTile = Tile<E, kChannels, 2>;

  template <class T, bool kWhole>
  __device__ QueryRows(const Rows<const T, kWhole>& queries, int first) {
#pragma unroll
    for (int i = 0; i < kTall; ++i) KeyTile::LoadLeft(q[i], queries, first + 16 * i);
  }

  // Attends to 16 kBlocks keys from `row` of the tile on. Only the first `exist` >= 1 of them belong to the sequence.
  // scale * score is a logarithm to base 2.
  template <int kBlocks>
  __device__ void Attend(const KeyTile& keys, const KeyTile& values, int row, int exist, float scale) {
    float scores[kBlocks][kTall][2][4] = {};
#pragma unroll
    for (int j = 0; j < kBlocks; ++j) keys.MultiplyRows(scores[j], q, row + 16 * j);
#pragma unroll
    for (int i = 0; i < kTall; ++i)
      results.template ToProbabilities<2 * kBlocks>(
          i, [&](int eight, int e) -> float& { return scores[eight / 2][i][eight % 2][e]; }, exist, scale);
#pragma unroll
    for (int j = 0; j < kBlocks; ++j) {
      Operand<E> probabilities[kTall];
#pragma unroll
      for (int i = 0; i < kTall; ++i) probabilities[i] = ToOperand<E>(scores[j][i][0], scores[j][i][1]);
      values.MultiplyAlongRows(results.sums, probabilities, row + 16 * j);
    }
  }

  Operand<E> q[kTall][KeyTile::kSteps];
  AttentionResults<KeyTile::kEights, kTall> results;
};

// The tiles of 16 queries that a warp has at once where there are so many: two, if a row has no more than 128 bytes.
template <class E, int kChannels>
constexpr bool kIsNarrow = kChannels * sizeof(E) <= 128;
template <class E, int kChannels>
constexpr int kMostTall = kIsNarrow<E, kChannels> ? 2 : 1;

// Short sequences: a pair's keys and values are in shared memory and read once. Where as many blocks fit with those of
// two turns, the grid is what the GPU holds at a time, and a block loads its next pairs' while it uses these. Bytes:
// projected, y and log_sums once. Flops: 4 tokens^2 channels per pair.
constexpr int kWholeWarps = 7;  // 197 tokens are 13 tiles of 16: each warp has two at once, but for the last

// With 144 registers a multiprocessor holds two blocks of 7 warps; __launch_bounds__ would only go down to 128.
#ifdef __CUDACC__
#define ORBIT_MOST_REGISTERS(count) __maxnreg__(count)
#else
#define ORBIT_MOST_REGISTERS(count)
#endif

template <class E, class T, int kChannels, bool kWhole, int kTall>
__global__ void ORBIT_MOST_REGISTERS((kIsNarrow<E, kChannels> ? 144 : 255))
    WholeKernel(WholeHeads heads, const T* projected, T* y, float* log_sums) {
  const int in_pair = threadIdx.x / 32 % heads.warps, group = threadIdx.x / 32 / heads.warps;
  const int threads = 32 * heads.warps, rank = threadIdx.x % threads, rows = 16 * heads.tiles;
  using KeyTile = Tile<E, kChannels, 2>;
  const auto head_of = [&](int block) { return Head<kWhole>{heads.sizes, block * heads.pairs + group}; };
  const auto tile = [&](int turn, int i) {
    return KeyTile::Of(DynamicShared<Chunk>() + (turn * heads.pairs + group) * 2 * rows * KeyTile::kChunks, i);
  };
  const auto load = [&](int block, int turn) {
    if (block < heads.blocks())
      for (int i = 0; i < 2; ++i)
        tile(turn, i).Load(head_of(block).Projected(projected, 1 + i), 0, rows, rank, threads);
    __pipeline_commit();
  };
  const float scale = heads.sizes.Scale() * kLog2E;
  load(blockIdx.x, 0);
#pragma unroll 1
  for (int block = blockIdx.x, turn = 0; block < heads.blocks(); block += gridDim.x, turn ^= 1) {
    const Head<kWhole> head = head_of(block);
    int first = 16 * kTall * in_pair;
    load(block + gridDim.x, turn ^ 1);
    QueryRows<E, kChannels, kTall> queries(head.Projected(projected, 0),
                                           first);  // while keys and values are on their way
    __pipeline_wait_prior(1);
    __syncthreads();
    const KeyTile keys = tile(turn, 0), values = tile(turn, 1);
    while (head.exists() && first < rows) {
      int key = 0;
      if constexpr (kTall == 1) {  // else scores of 32 keys take too many registers
#pragma unroll 1
        for (; key + 16 < rows; key += 32)
          queries.template Attend<2>(keys, values, key, head.sizes.tokens - key, scale);
      }
#pragma unroll 1
      for (; key < rows; key += 16) queries.template Attend<1>(keys, values, key, head.sizes.tokens - key, scale);
      queries.results.Store(head.Out(y), log_sums + int64_t{head.pair} * head.sizes.tokens, first, scale);
      first += 16 * kTall * heads.warps;
      if (first < rows) queries = QueryRows<E, kChannels, kTall>(head.Projected(projected, 0), first);
    }
    __syncthreads();  // before the tiles are overwritten
  }
}

// Long sequences: a block owns 128 queries of a pair. Keys and values pass through shared memory, 64 at a time, and the
// next ones are loaded while these are used. Bytes: per 128 queries the pair's keys and values, from the L2 cache if
// they fit; all else once.
constexpr int kTiledQueries = 128, kTiledKeys = 64;

template <class E, int kChannels>
constexpr int kTiledThreads = kTiledQueries / 16 / kMostTall<E, kChannels> * 32;

template <class E, class T, int kChannels, bool kWhole>
__global__ void __launch_bounds__(kTiledThreads<E, kChannels>, kIsNarrow<E, kChannels> ? 3 : 1)
    TiledKernel(HeadSizes sizes, int blocks, const T* projected, T* y, float* log_sums) {
  using KeyTile = Tile<E, kChannels, 2>;
  constexpr int kThreads = kTiledThreads<E, kChannels>, kTall = kMostTall<E, kChannels>;
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
  QueryRows<E, kChannels, kTall> queries(head.Projected(projected, 0), first);
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
  queries.results.Store(head.Out(y), log_sums + int64_t{pair} * head.sizes.tokens, first, scale);
}

}  // namespace

template <class E, class T>
void TensorCoreAttentionForward(Gpu gpu, const AttentionShape& shape, const T* projected, T* y, float* log_sums) {
  ForTiles<E>(
      shape.channels,
      [&]<int kChannels, bool kWhole>() {
        const auto shared_bytes = [](int rows) { return size_t{2} * rows * kChannels * sizeof(E); };
        const auto launch = [&]<int kTall>() {
          const WholeHeads heads(shape, kTall, kWholeWarps);
          const size_t bytes = shared_bytes(heads.pairs * heads.tiles * 16);
          if (shape.tokens > kMostTokens || bytes > MostDynamicSharedBytes(gpu)) return false;
          const auto kernel = WholeKernel<E, T, kChannels, kWhole, kTall>;
          const auto resident = [&](size_t shared) { return ResidentBlocks(gpu, kernel, heads.threads(), shared); };
          const bool twice = 2 * bytes <= MostDynamicSharedBytes(gpu) && resident(2 * bytes) == resident(bytes);
          const int held = resident(bytes) * Multiprocessors(gpu);
          Launch("AttentionForward", gpu, dim3(twice ? std::min(heads.blocks(), held) : heads.blocks()),
                 dim3(heads.threads()), twice ? 2 * bytes : bytes, kernel, heads, projected, y, log_sums);
          return true;
        };
        constexpr int kTall = kMostTall<E, kChannels>;
        if (shape.tokens > 16 ? launch.template operator()<kTall>() : launch.template operator()<1>()) return;
        const int blocks = static_cast<int>(DivideUp<int64_t>(shape.tokens, kTiledQueries));
        Launch("AttentionForward", gpu, dim3(shape.sequences * shape.heads * blocks), dim3(kTiledThreads<E, kChannels>),
               shared_bytes(2 * kTiledKeys), TiledKernel<E, T, kChannels, kWhole>, HeadSizes(shape), blocks, projected,
               y, log_sums);
      },
      projected, y);
}

template void TensorCoreAttentionForward<BFloat16>(Gpu, const AttentionShape&, const BFloat16*, BFloat16*, float*);
template void TensorCoreAttentionForward<BFloat16>(Gpu, const AttentionShape&, const float*, float*, float*);
template void TensorCoreAttentionForward<Tf32>(Gpu, const AttentionShape&, const float*, float*, float*);

}  // namespace orbit::kernels
