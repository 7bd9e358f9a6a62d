// A small transformer layer, forward, in one kernel.
#ifndef ORBIT_KERNELS_CUDA_TRANSFORMER_LAYER_ON_CHIP_FORWARD_H_
#define ORBIT_KERNELS_CUDA_TRANSFORMER_LAYER_ON_CHIP_FORWARD_H_

#include "kernels/cuda/transformer_layer_on_chip.h"

namespace orbit::kernels {
namespace {

// Besides the weights shared memory has the operand of the next product, and queries, keys and values; then h, in the
// queries' place, and GELU's result, in the keys'. In single precision all of 224 KB.
template <class Operand>
struct ForwardMemory {
  static constexpr int kOperandBytes = 2 * Matrix<Operand>::kBytes, kFloatBytes = 2 * Matrix<float, Operand>::kBytes;
  static constexpr int kBytes = LayerWeights<Operand>::kBytes + kOperandBytes + 3 * kFloatBytes;

  __device__ ForwardMemory(unsigned char* memory, const LayerPlace& at) : weights(memory) {
    memory += LayerWeights<Operand>::kBytes;
    operand = Matrix<Operand>::From(memory).Rows(at.row);
    memory += kOperandBytes;
#pragma unroll
    for (int part = 0; part < 3; ++part)
      projected[part] = Matrix<float, Operand>::From(memory + part * kFloatBytes).Rows(at.row);
    activated = Matrix<Operand>::From(memory + kFloatBytes).Rows(at.row);
  }

  LayerWeights<Operand> weights;
  // The rows of the warp's sequence.
  Matrix<Operand> operand, activated;
  Matrix<float, Operand> projected[3];
};

// y is written, and h, to `middle` where that is not null. Bytes: x and y once, h once, and the weights once a block.
// Flops a row: 2 width (4 width + 2 hidden) + 4 tokens width. Registers hold a tile, or a row of attention: a query,
// its result and 32 weights.
template <class Operand, int kTall, int kChannels>
__global__ void __launch_bounds__(kLayerThreads, 1)
    LayerForward(TransformerLayerSizes sizes, TransformerLayerParameters<const float> p, const float* x, float* y,
                 float* middle) {
  using Tile = WarpTile<Operand, kTall>;
  constexpr int kWidth = Tile::kWidth;
  using V = Vector<float, kWidth>;
  const float eps = static_cast<float>(sizes.eps);
  LayerWeights<Operand>(DynamicShared<unsigned char>()).Load(LayerPlace(sizes), p);

  for (int64_t first = int64_t{blockIdx.x} * kSlots; first < sizes.sequences; first += int64_t{gridDim.x} * kSlots) {
    const LayerPlace at(sizes);
    const ForwardMemory<Operand> m(DynamicShared<unsigned char>(), at);
    const Matrix<float, Operand> queries = m.projected[0], h = queries;
    const bool exists = first + at.slot < sizes.sequences;
    const int64_t offset = (first + at.slot) * at.tokens * at.width;
    const bool has_width = exists && at.column < at.width, has_hidden = exists && at.column < at.hidden;
    if (exists)
      Normalize(
          at, eps, p.norm1_weight, p.norm1_bias,
          [&](int row, int column) {
            return *reinterpret_cast<const Vector<float, 4>*>(x + offset + row * at.width + column);
          },
          m.operand, nullptr);
    __syncthreads();
    if (has_width) {
#pragma unroll
      for (int part = 0; part < 3; ++part) {
        Tile tile;
        Linear(tile, m.operand, m.weights.In(part).Rows(at.column), p.in_proj_bias + part * at.width + at.column,
               at.width, at.width - at.column);
        tile.ForEach([&](int, int, int row, int column, auto& values) {
          Store(m.projected[part].Columns(at.column).At(row, column), values);
        });
      }
    }
    __syncthreads();
    if (exists)
      for (int head = at.half; head < at.heads; head += 2) {
        const int column = head * kChannels;
        float query[kChannels], weights[kSlotRows], sum[kChannels] = {};
        LoadRow(queries.Columns(column), at.lane, query);
        AttentionWeights(at.tokens, query, m.projected[1].Columns(column), weights);
        ForKeys(at.tokens, [&](int key) {
          float value[kChannels];
          LoadRow(m.projected[2].Columns(column), key, value);
          AddTo(sum, weights[key], value);
        });
        StoreRow(m.operand.Columns(column), at.lane, sum);
      }
    __syncthreads();
    if (has_width) {
      Tile tile;
      Linear(tile, m.operand, m.weights.Out().Rows(at.column), p.out_proj_bias + at.column, at.width,
             at.width - at.column);
      tile.ForEach([&](int, int, int row, int column, auto& values) {
        column += at.column;
        if (row >= at.tokens || column >= at.width) return;
        const int64_t place = offset + row * at.width + column;
        const V residual = *reinterpret_cast<const V*>(x + place);
#pragma unroll
        for (int e = 0; e < kWidth; ++e) values[e] += residual[e];
        Store(h.At(row, column), values);
        if (middle) Store(middle + place, values);
      });
    }
    __syncthreads();
    if (exists)
      Normalize(
          at, eps, p.norm2_weight, p.norm2_bias, [&](int row, int column) { return h.Load4(h.RowAt(row), column); },
          m.operand, nullptr);
    __syncthreads();
    if (has_hidden) {
      Tile tile;
      Linear(tile, m.operand, m.weights.First().Rows(at.column), p.linear1_bias + at.column, at.width,
             at.hidden - at.column);
      tile.ForEach([&](int, int, int row, int column, auto& values) {
#pragma unroll
        for (int e = 0; e < kWidth; ++e) values[e] *= NormalCdf(values[e]);
        Store(m.activated.Columns(at.column).At(row, column), values);
      });
    }
    __syncthreads();
    if (has_width) {
      Tile tile;
      Linear(tile, m.activated, m.weights.Second().Rows(at.column), p.linear2_bias + at.column, at.hidden,
             at.width - at.column);
      tile.ForEach([&](int, int, int row, int column, auto& values) {
        column += at.column;
        if (row >= at.tokens || column >= at.width) return;
        const V residual = *reinterpret_cast<const V*>(h.At(row, column));
#pragma unroll
        for (int e = 0; e < kWidth; ++e) values[e] += residual[e];
        Store(y + offset + row * at.width + column, values);
      });
    }
  }
}

inline void LayerForwardOnChip(Gpu gpu, const TransformerLayerSizes& sizes,
                               const TransformerLayerParameters<const float>& p, const float* x, float* y,
                               float* middle) {
  ForOperand(sizes, [&]<class Operand, int kTall, int kChannels>() {
    Launch("TransformerLayerForward", gpu, dim3(BlocksOf(sizes)), dim3(kLayerThreads), ForwardMemory<Operand>::kBytes,
           LayerForward<Operand, kTall, kChannels>, sizes, p, x, y, middle);
  });
}

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_TRANSFORMER_LAYER_ON_CHIP_FORWARD_H_
