#include "kernels/cuda/attention_head.h"
#include "kernels/cuda/attention_results.h"
#include "kernels/cuda/attention_wgmma.h"
#include "kernels/cuda/wgmma.h"

namespace orbit::kernels {
namespace {

constexpr int kChannels = 64;
constexpr int kQueries = 64;  // per warpgroup, 16 per warp
constexpr int kKeys = 64;     // in shared memory at a time
constexpr int kMostWarpgroups = 2;

using KeyTile = Tile<BFloat16, kChannels, 1>;
using Results = AttentionResults<KeyTile::kEights, 1>;
using Queries = Operand<BFloat16>[KeyTile::kSteps];

// The warp's 16 queries attend to 8 kEights keys from `row` of the tile on, of which the first `exist` >= 1 belong to
// the sequence. scale * score is a logarithm to base 2.
template <int kEights>
__device__ __forceinline__ void Attend(Results& results, Queries& q, const KeyTile& keys, const KeyTile& values,
                                       int row, int exist, float scale) {
  float scores[kEights][4] = {};
  {
    WarpgroupProducts products(scores, q);
#pragma unroll
    for (int step = 0; step < KeyTile::kSteps; ++step) products.AddRows(q[step], keys.At(row, 0), step);
    products.Wait();
  }
  results.ToProbabilities<kEights>(
      0, [&](int eight, int e) -> float& { return scores[eight][e]; }, exist, scale);
  Operand<BFloat16> probabilities[kEights / 2];
#pragma unroll
  for (int j = 0; j < kEights / 2; ++j) probabilities[j] = ToOperand<BFloat16>(scores[2 * j], scores[2 * j + 1]);
  WarpgroupProducts products(results.sums[0], probabilities);
#pragma unroll
  for (int j = 0; j < kEights / 2; ++j) products.AddAlongRows(probabilities[j], values.At(row + 16 * j, 0));
  products.Wait();
}

// A warpgroup owns 64 queries of a pair, a block those of one or two warpgroups. Keys and values pass through shared
// memory, 64 at a time, and the next ones are loaded while these are used; of the last ones, 16 at a time are used.
// Bytes: per block the pair's keys and values, from the L2 cache if they fit; all else once. Flops: 4 tokens^2 channels
// per pair, the queries rounded up to multiples of 64 and the keys to multiples of 16.
__global__ void __launch_bounds__(kMostWarpgroups* kWarpgroup, 2)
    WgmmaKernel(HeadSizes sizes, int blocks, const BFloat16* projected, BFloat16* y, float* log_sums) {
  const int pair = blockIdx.x / blocks;
  const Head<true> head = {sizes, pair};
  Chunk* shared = AlignedShared(DynamicShared<Chunk>());
  const auto part = [&](int tile, int i) { return KeyTile{shared + (tile % 2 * 2 + i) * kKeys * KeyTile::kChunks}; };
  const auto load = [&](int tile) {
    const int first = tile * kKeys;
    if (first < sizes.tokens)
      for (int i = 0; i < 2; ++i)
        part(tile, i).Load(head.Projected(projected, 1 + i), first, kKeys, threadIdx.x, blockDim.x);
    __pipeline_commit();
  };
  load(0);
  const float scale = sizes.Scale() * kLog2E;
  const int warpgroup = blockIdx.x % blocks * (blockDim.x / kWarpgroup) + threadIdx.x / kWarpgroup;
  const int first = warpgroup * kQueries + threadIdx.x % kWarpgroup / 32 * 16;
  Queries q;
  KeyTile::LoadLeft(q, head.Projected(projected, 0), first);
  Results results;
  for (int tile = 0; tile * kKeys < sizes.tokens; ++tile) {
    load(tile + 1);
    __pipeline_wait_prior(1);
    PublishToWgmma();
    __syncthreads();
    const int exist = sizes.tokens - tile * kKeys;
    const KeyTile keys = part(tile, 0), values = part(tile, 1);
    if (exist > kKeys - 16) {
      Attend<kKeys / 8>(results, q, keys, values, 0, exist, scale);
    } else {
#pragma unroll 1
      for (int row = 0; row < exist; row += 16) Attend<2>(results, q, keys, values, row, exist - row, scale);
    }
    __syncthreads();  // before the tile is overwritten
  }
  results.Store(head.Out(y), log_sums + int64_t{pair} * sizes.tokens, first, scale);
}

}  // namespace

bool CanUseWgmma(Gpu gpu, const AttentionShape& shape, const BFloat16* projected, const BFloat16* y) {
  return MajorCapability(gpu) == 9 && shape.channels == kChannels && IsAligned<char, 16>(projected, y);
}

void WgmmaAttentionForward(Gpu gpu, const AttentionShape& shape, const BFloat16* projected, BFloat16* y,
                           float* log_sums) {
  const int64_t warpgroups = DivideUp<int64_t>(shape.tokens, kQueries);
  const int in_block = static_cast<int>(std::min<int64_t>(warpgroups, kMostWarpgroups));
  const int blocks = static_cast<int>(DivideUp<int64_t>(warpgroups, in_block));
  Launch("AttentionForward", gpu, dim3(shape.sequences * shape.heads * blocks), dim3(in_block * kWarpgroup),
         size_t{4} * kKeys * KeyTile::kChunks * sizeof(Chunk) + kWgmmaAlignment, WgmmaKernel, HeadSizes(shape), blocks,
         projected, y, log_sums);
}

}  // namespace orbit::kernels
