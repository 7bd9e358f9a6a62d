// Heads as seen by the kernels for attention on tensor cores.
#ifndef ORBIT_KERNELS_CUDA_ATTENTION_HEAD_H_
#define ORBIT_KERNELS_CUDA_ATTENTION_HEAD_H_

#include <string>

#include "kernels/attention.h"
#include "kernels/cuda/attention_tensor_core.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/tensor_core_tile.h"
#include "kernels/error.h"

namespace orbit::kernels {
namespace {

constexpr float kLog2E = 1.44269504f, kLn2 = 0.693147181f;

__device__ __forceinline__ float Exp2(float x) {
#ifdef __CUDACC__
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return exp2f(x);
#endif
}

// AttentionShape in the form that kernels use.
struct HeadSizes {
  int pairs;  // number of heads of all sequences
  int tokens, heads, channels;

  explicit HeadSizes(const AttentionShape& shape)
      : pairs(static_cast<int>(shape.sequences * shape.heads)),
        tokens(static_cast<int>(shape.tokens)),
        heads(static_cast<int>(shape.heads)),
        channels(static_cast<int>(shape.channels)) {}

  __device__ float Scale() const { return 1.0f / sqrtf(static_cast<float>(channels)); }
};

// The partition for kernels that hold whole heads on chip. A pair is one head of one sequence; `warps` warps work on a
// pair and a block has `pairs` of them. A warp processes `tall` tiles of rows at a time.
constexpr int kMostTokens = 256;  // tokens per sequence

struct WholeHeads {
  HeadSizes sizes;
  int tiles;  // tiles of 16 tokens; the last one is padded
  int warps, pairs;

  WholeHeads(const AttentionShape& shape, int tall, int most_warps) : sizes(shape) {
    tiles = DivideUp(sizes.tokens, 16);
    const int units = DivideUp(tiles, tall);
    warps = DivideUp(units, DivideUp(units, most_warps));
    pairs = most_warps / warps;
  }
  __host__ __device__ int blocks() const { return DivideUp(sizes.pairs, pairs); }
  int threads() const { return 32 * warps * pairs; }
};

// One head of one sequence, as rows of projected or y.
template <bool kWhole>
struct Head {
  HeadSizes sizes;
  int pair;

  __device__ bool exists() const { return pair < sizes.pairs; }

  template <class T>
  __device__ Rows<T, kWhole> Projected(T* projected, int part) const {  // queries (0), keys (1) or values (2)
    return Of(projected, 3, part);
  }
  template <class T>
  __device__ Rows<T, kWhole> Out(T* y) const {
    return Of(y, 1, 0);
  }

 private:
  template <class T>
  __device__ Rows<T, kWhole> Of(T* array, int parts, int part) const {
    const int width = sizes.heads * sizes.channels, sequence = pair / sizes.heads;
    return {array + (int64_t{sequence} * sizes.tokens * parts + part) * width + pair % sizes.heads * sizes.channels,
            parts * width, exists() ? sizes.tokens : 0, sizes.channels};
  }
};

// Calls f.template operator()<kChannels, kWhole>() with tiles of E that fit a head's channels; kWhole says whether the
// rows of the arrays can be read in chunks of 16 bytes.
template <class E, class F, class... Pointers>
void ForTiles(int64_t channels, F&& f, Pointers... pointers) {
  const bool whole = channels % 8 == 0 && IsAligned<char, 16>(pointers...);
  const auto call = [&]<int kChannels>() {
    whole ? f.template operator()<kChannels, true>() : f.template operator()<kChannels, false>();
  };
  if (channels <= 16) return call.template operator()<16>();
  if (channels <= 24) return call.template operator()<24>();
  if (channels <= 32) return call.template operator()<32>();
  if (channels <= 64) return call.template operator()<64>();
  if constexpr (kMostChannels < E >> 64)
    if (channels <= 128) return call.template operator()<128>();
  Fail("attention on tensor cores takes heads of up to ", kMostChannels<E>, " channels, got ", channels);
}

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_ATTENTION_HEAD_H_
