// Shared by the forward and the backward kernel of a small transformer layer: the division of work, layer norms.
//
// A block processes 4 sequences at a time. All weights, and everything between x and y except h, are in shared memory.
// Two warps share a sequence; each owns 32 of its up to 64 columns. Products are computed in tiles of 32 x 32
// (warp_tile.h) from operands of type Operand: float, Tf32 or Bf16. A warp computes one head of attention at a time.
// Sequences are padded to 32 rows; tiles of floats compute only 28 of them if that suffices. Norms, softmax and GELU
// are f32.
#ifndef ORBIT_KERNELS_CUDA_TRANSFORMER_LAYER_ON_CHIP_PARTS_H_
#define ORBIT_KERNELS_CUDA_TRANSFORMER_LAYER_ON_CHIP_PARTS_H_

#include <algorithm>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/transformer_layer_on_chip.h"
#include "kernels/cuda/transformer_layer_on_chip_attention.h"
#include "kernels/cuda/vector.h"
#include "kernels/cuda/warp_tile.h"
#include "kernels/transformer_layer.h"

namespace orbit::kernels {
namespace {

constexpr int kLayerThreads = 256;
constexpr int kSlots = 4;  // sequences per block
constexpr int kRows = kSlots * kSlotRows;
constexpr int kMaxWidth = 64;

// Each fills a multiprocessor.
inline int64_t BlocksOf(Gpu gpu, const TransformerLayerSizes& sizes) {
  return std::min<int64_t>(Multiprocessors(gpu), DivideUp<int64_t>(sizes.sequences, kSlots));
}

// Calls f.template operator()<Operand, kTall, kChannels>() for the precision, the number of rows that a lane has of a
// tile of floats (7 for up to 28 tokens) and the number of channels per head.
template <class F>
void ForOperand(Gpu gpu, const TransformerLayerSizes& sizes, F&& f) {
  const auto for_channels = [&]<class Operand, int kTall>() {
    if (sizes.width / sizes.heads == 8) return f.template operator()<Operand, kTall, 8>();
    return f.template operator()<Operand, kTall, 16>();
  };
  switch (gpu.precision) {
    case Precision::kF32:
      return sizes.tokens <= 28 ? for_channels.template operator()<float, 7>()
                                : for_channels.template operator()<float, 8>();
    case Precision::kTf32:
      return for_channels.template operator()<Tf32, 8>();
    case Precision::kBf16:
      return for_channels.template operator()<Bf16, 8>();
  }
}

// The sizes and a thread's place, for one turn of the loop over sequences.
struct LayerPlace {
  __device__ explicit LayerPlace(const TransformerLayerSizes& s, int thread = ThreadAnew())
      : tokens(static_cast<int>(s.tokens)),
        width(static_cast<int>(s.width)),
        heads(static_cast<int>(s.heads)),
        hidden(static_cast<int>(s.hidden)),
        lane(thread % 32),
        warp(thread / 32),
        slot(warp / 2),
        half(warp % 2),
        row(slot * kSlotRows),
        column(half * 32) {}

  int tokens, width, heads, hidden;
  int lane, warp;
  int slot;         // the warp's sequence within the block
  int half;         // which half of the sequence's columns the warp owns
  int row, column;  // first row of the sequence; first column of the half
};

// All weights, padded with zeros to 64 x 64 each: queries, keys, values, out_proj, linear1 and linear2.
template <class Operand>
struct LayerWeights {
  static constexpr int kCount = 6, kBytes = kCount * Matrix<Operand>::kBytes;

  __device__ explicit LayerWeights(unsigned char* memory) : in(Matrix<Operand>::From(memory)) {}
  __device__ Matrix<Operand> In(int part) const { return in.Rows(64 * part); }
  __device__ Matrix<Operand> Out() const { return in.Rows(64 * 3); }
  __device__ Matrix<Operand> First() const { return in.Rows(64 * 4); }
  __device__ Matrix<Operand> Second() const { return in.Rows(64 * 5); }

  // All threads of the block call it.
  __device__ void Load(const LayerPlace& at, const TransformerLayerParameters<const float>& p) const {
    for (int i = threadIdx.x; i < kCount * 64 * 16; i += kLayerThreads) {
      const int number = i / (64 * 16), row = i / 16 % 64, column = i % 16 * 4;
      const float* from = number < 3    ? p.in_proj_weight + number * at.width * at.width
                          : number == 3 ? p.out_proj_weight
                          : number == 4 ? p.linear1_weight
                                        : p.linear2_weight;
      const int outputs = number == 4 ? at.hidden : at.width, inputs = number == 5 ? at.hidden : at.width;
      Vector<float, 4> values = {};
      if (row < outputs && column < inputs)
        values = *reinterpret_cast<const Vector<float, 4>*>(from + row * inputs + column);
      Store(in.Rows(64 * number).At(row, column), values.elements);
    }
  }

  Matrix<Operand> in;
};

struct RowStatistics {
  float mean, inverse_deviation;
};

// The 16 rows of its sequence that a warp owns where it works on whole rows. A lane has 2 vectors of each of 4 of them.
struct WarpRows {
  static constexpr int kCount = 4;
  using Values = float[kCount][2][4];

  static __device__ int Row(const LayerPlace& at, int i) { return at.half * 16 + i * 4 + at.lane / 8; }
  static __device__ int Column(const LayerPlace& at, int v) { return v * 32 + at.lane % 8 * 4; }

  // load(row, column) returns a vector of 4. Values beyond the tokens and the width become 0.
  template <class LoadVector>
  static __device__ void Load(const LayerPlace& at, Values& values, LoadVector&& load) {
#pragma unroll
    for (int i = 0; i < kCount; ++i)
#pragma unroll
      for (int v = 0; v < 2; ++v) {
        Vector<float, 4> vector = {};
        if (Row(at, i) < at.tokens && Column(at, v) < at.width) vector = load(Row(at, i), Column(at, v));
#pragma unroll
        for (int e = 0; e < 4; ++e) values[i][v][e] = vector[e];
      }
  }
};

// `to` = the layer norm of the rows, and 0 beyond the tokens. Also writes statistics[row] unless null.
template <class Operand, class LoadVector>
__device__ void Normalize(const LayerPlace& at, float eps, const float* weight, const float* bias, LoadVector&& load,
                          Matrix<Operand> to, RowStatistics* statistics) {
  WarpRows::Values values;
  WarpRows::Load(at, values, load);
  const float scale = 1.0f / static_cast<float>(at.width);
#pragma unroll
  for (int i = 0; i < WarpRows::kCount; ++i) {
    const int row = WarpRows::Row(at, i);
    float sum = 0, squares = 0;
#pragma unroll
    for (int v = 0; v < 2; ++v)
#pragma unroll
      for (int e = 0; e < 4; ++e) sum += values[i][v][e];
    const float mean = WarpSum<8>(sum) * scale;
#pragma unroll
    for (int v = 0; v < 2; ++v) {
      if (WarpRows::Column(at, v) >= at.width) continue;
#pragma unroll
      for (int e = 0; e < 4; ++e) squares += (values[i][v][e] - mean) * (values[i][v][e] - mean);
    }
    const float inverse_deviation = rsqrt(WarpSum<8>(squares) * scale + eps);
#pragma unroll
    for (int v = 0; v < 2; ++v) {
      const int column = WarpRows::Column(at, v);
      if (column >= at.width) continue;
      const auto w = *reinterpret_cast<const Vector<float, 4>*>(weight + column);
      const auto b = *reinterpret_cast<const Vector<float, 4>*>(bias + column);
      float normalized[4];
#pragma unroll
      for (int e = 0; e < 4; ++e)
        normalized[e] = row < at.tokens ? (values[i][v][e] - mean) * inverse_deviation * w[e] + b[e] : 0.0f;
      Store(to.At(row, column), normalized);
    }
    if (statistics && at.lane % 8 == 0) statistics[row] = {mean, inverse_deviation};
  }
}

// tile = x weight^T + bias, where weight [32, inputs] and bias start at the tile's first column.
template <class Tile, class Operand>
__device__ void Linear(Tile& tile, Matrix<Operand> x, Matrix<Operand> weight, const float* bias, int inputs,
                       int outputs) {
  tile.ForEach([&](int, int, int, int column, auto& values) {
    Vector<float, Tile::kWidth> start = {};
    if (column < outputs) start = *reinterpret_cast<const Vector<float, Tile::kWidth>*>(bias + column);
#pragma unroll
    for (int e = 0; e < Tile::kWidth; ++e) values[e] = start[e];
  });
  tile.MultiplyNT(x, weight, inputs);
}

__device__ inline float NormalCdf(float x) { return 0.5f * (1.0f + erf(x * 0.7071067811865476f)); }

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_TRANSFORMER_LAYER_ON_CHIP_PARTS_H_
