// A small transformer layer, forward, in one kernel.
#include "kernels/alternatives.h"
#include "kernels/cuda/transformer_layer_on_chip_parts.h"

namespace orbit::kernels {
namespace {

// Besides the weights, shared memory has the operand of the next product, and queries, keys and values. Later
// attention's output takes the place of the queries, h that of the keys (if an operand has the size of a float), and
// GELU's output that of the values. Single precision and tf32 need 224 KB, bf16 144 KB.
template <class Operand>
struct ForwardMemory {
  static constexpr int kOperandBytes = 2 * Matrix<Operand>::kBytes, kFloatBytes = 2 * Matrix<float>::kBytes;
  static constexpr bool kInPlace = sizeof(Operand) == sizeof(float);
  static constexpr int kBytes = LayerWeights<Operand>::kBytes + 4 * kOperandBytes + (kInPlace ? 0 : kFloatBytes);

  __device__ ForwardMemory(unsigned char* memory, int row) : weights(memory) {
    memory += LayerWeights<Operand>::kBytes;
    const auto part = [&](int i) { return Matrix<Operand>::From(memory + i * kOperandBytes).Rows(row); };
    operand = part(0);
    query = part(1);
    key = part(2);
    value = part(3);
    h = Matrix<float, Operand>::From(memory + (kInPlace ? 2 : 4) * kOperandBytes).Rows(row);
  }
  __device__ Matrix<Operand> Projected(int part) const { return part == 0 ? query : part == 1 ? key : value; }

  LayerWeights<Operand> weights;
  // All of these start at the row given to the constructor, the first one of the warp's sequence.
  Matrix<Operand> operand, query, key, value;
  Matrix<float, Operand> h;
};

// Writes y and, unless null, `middle` = h. Bytes: x, y and h once; the weights once per block. Flops per row: 2 width
// (4 width + 2 hidden) + 4 tokens width. Registers hold a tile or, in attention, weights: those of the lane's query and
// its result, or a warp's tile of all.
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
    const ForwardMemory<Operand> m(DynamicShared<unsigned char>(), at.row);
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
          Store(m.Projected(part).Columns(at.column).At(row, column), values);
        });
      }
    }
    __syncthreads();
    if (exists)
      for (int head = at.half; head < at.heads; head += 2) {
        const int column = head * kChannels;
        Attend<kChannels>(
            at.tokens, HeadForward<Operand>{m.query.Columns(column), m.key.Columns(column), m.value.Columns(column)});
      }
    __syncthreads();
    if (has_width) {
      Tile tile;
      Linear(tile, m.query, m.weights.Out().Rows(at.column), p.out_proj_bias + at.column, at.width,
             at.width - at.column);
      tile.ForEach([&](int, int, int row, int column, auto& values) {
        column += at.column;
        if (row >= at.tokens || column >= at.width) return;
        const int64_t place = offset + row * at.width + column;
        const V residual = *reinterpret_cast<const V*>(x + place);
#pragma unroll
        for (int e = 0; e < kWidth; ++e) values[e] += residual[e];
        Store(m.h.At(row, column), values);
        if (middle) Store(middle + place, values);
      });
    }
    __syncthreads();
    if (exists)
      Normalize(
          at, eps, p.norm2_weight, p.norm2_bias, [&](int row, int column) { return m.h.Load4(m.h.RowAt(row), column); },
          m.operand, nullptr);
    __syncthreads();
    if (has_hidden) {
      Tile tile;
      Linear(tile, m.operand, m.weights.First().Rows(at.column), p.linear1_bias + at.column, at.width,
             at.hidden - at.column);
      tile.ForEach([&](int, int, int row, int column, auto& values) {
#pragma unroll
        for (int e = 0; e < kWidth; ++e) values[e] *= NormalCdf(values[e]);
        Store(m.value.Columns(at.column).At(row, column), values);
      });
    }
    __syncthreads();
    if (has_width) {
      Tile tile;
      Linear(tile, m.value, m.weights.Second().Rows(at.column), p.linear2_bias + at.column, at.hidden,
             at.width - at.column);
      tile.ForEach([&](int, int, int row, int column, auto& values) {
        column += at.column;
        if (row >= at.tokens || column >= at.width) return;
        const V residual = *reinterpret_cast<const V*>(m.h.At(row, column));
#pragma unroll
        for (int e = 0; e < kWidth; ++e) values[e] += residual[e];
        Store(y + offset + row * at.width + column, values);
      });
    }
  }
}

constexpr size_t kMostLayerBytes = 227 << 10;  // of shared memory, all of it dynamic; the backward's

}  // namespace

bool IsLayerOnChip(Gpu gpu, const TransformerLayerSizes& s) {
  const auto fits = [](int64_t columns) { return columns >= 16 && columns <= kMaxWidth && columns % 16 == 0; };
  const int64_t channels = s.width / s.heads;
  return s.tokens <= kSlotRows && fits(s.width) && fits(s.hidden) && (channels == 8 || channels == 16) &&
         MostDynamicSharedBytes(gpu) + kReservedSharedBytes >= kMostLayerBytes &&
         IsUsed(Alternative::kTransformerLayerOnChip);
}

void LayerForwardOnChip(Gpu gpu, const TransformerLayerSizes& sizes, const TransformerLayerParameters<const float>& p,
                        const float* x, float* y, float* middle) {
  ForOperand(gpu, sizes, [&]<class Operand, int kTall, int kChannels>() {
    Launch("TransformerLayerForward", gpu, dim3(BlocksOf(gpu, sizes)), dim3(kLayerThreads),
           ForwardMemory<Operand>::kBytes, LayerForward<Operand, kTall, kChannels>, sizes, p, x, y, middle);
  });
}

}  // namespace orbit::kernels
