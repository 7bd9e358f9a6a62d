// The backward of a small transformer layer in one kernel, and a second kernel that adds the blocks' parameter
// gradients.
#include "kernels/cuda/transformer_layer_on_chip_parts.h"

namespace orbit::kernels {
namespace {

// ---- Sums of gradients ----
//
// A block's sums do not fit in shared memory; they are in global memory and stay in the L2 cache. A single thread adds
// to each element, sequence after sequence. The gradients of the norms have a separate part for each slot.

template <class Number>
__host__ __device__ Number GradientSize(const TransformerLayerSizes& s) {
  const Number w = s.width, h = s.hidden;
  return 4 * w * w + 2 * w * h + 5 * w + h;
}
inline int64_t BlockSumsSize(const TransformerLayerSizes& s) { return GradientSize<int64_t>(s) + 4 * kSlots * s.width; }

// The parameters one after another, from `data` on; the norms' are [kSlots, width].
__device__ inline TransformerLayerParameters<float> PartsOf(const LayerPlace& at, float* data) {
  const auto take = [&](int size) {
    float* part = data;
    data += size;
    return part;
  };
  const int w = at.width, h = at.hidden;
  TransformerLayerParameters<float> p;
  p.in_proj_weight = take(3 * w * w);
  p.in_proj_bias = take(3 * w);
  p.out_proj_weight = take(w * w);
  p.out_proj_bias = take(w);
  p.linear1_weight = take(h * w);
  p.linear1_bias = take(h);
  p.linear2_weight = take(w * h);
  p.linear2_bias = take(w);
  p.norm1_weight = take(kSlots * w);
  p.norm1_bias = take(kSlots * w);
  p.norm2_weight = take(kSlots * w);
  p.norm2_bias = take(kSlots * w);
  return p;
}

// Which sequences a turn processes, and whether it is the block's first turn.
struct SlotRange {
  int present;  // slots with a sequence
  bool begins;  // nothing has been summed before
};

// Sums of 32 columns: a lane owns one vector of columns and every kLanes-th row.
template <class Operand>
struct BiasSums {
  static constexpr int kVector = Matrix<Operand>::kVector, kLanes = kVector;

  __device__ void Add(const LayerPlace& at, Matrix<Operand> x) {
    const int lane = LaneAnew();
#pragma unroll 2
    for (int row = lane % kLanes; row < at.tokens; row += kLanes) {
      const auto vector = *reinterpret_cast<const Vector<Operand, kVector>*>(x.At(row, lane / kLanes * kVector));
#pragma unroll
      for (int e = 0; e < kVector; ++e) sums[e] += ToFloat(vector.elements[e]);
    }
  }
  __device__ void AddTo(const SlotRange& slots, int rows, float* to) {
    const int lane = threadIdx.x % 32, column = lane / kLanes * kVector;
#pragma unroll
    for (int e = 0; e < kVector; ++e) {
      const float sum = WarpSum<kLanes>(sums[e]);
      if (lane % kLanes == 0 && column + e < rows) to[column + e] = (slots.begins ? 0.0f : to[column + e]) + sum;
    }
  }

  float sums[kVector] = {};
};

// A warp's part of a weight's gradient: to += dy^T x over all rows of all present sequences. `to` is [32, 32], of which
// `rows` x `columns` exist, within a matrix with row stride `stride`. Also bias [32] += column sums of dy, unless bias
// is null.
template <class Operand>
struct WeightGradient {
  Matrix<Operand> dy, x;
  int rows, columns, stride;
  float *to, *bias;
};

template <class Operand>
__device__ void AddWeightGradient(const LayerPlace& at, const SlotRange& slots, const WeightGradient<Operand>& part) {
  const int rows = part.rows, columns = part.columns, stride = part.stride;
  float *const to = part.to, *const bias = part.bias;
  using Tile = WarpTile<Operand, 8>;
  constexpr int kWidth = Tile::kWidth;
  if (rows <= 0 || columns <= 0) return;
  Tile before, tile;  // the old sums are loaded while the products are computed
  before.Clear();
  tile.Clear();
  if (!slots.begins)
    before.ForEach([&](int, int, int row, int column, auto& values) {
      if (row >= rows || column >= columns) return;
      const auto sum = *reinterpret_cast<const Vector<float, kWidth>*>(to + row * stride + column);
#pragma unroll
      for (int e = 0; e < kWidth; ++e) values[e] = sum[e];
    });
  BiasSums<Operand> sums;
  for (int slot = 0; slot < slots.present; ++slot) {
    const Matrix<Operand> dy = part.dy.Rows(slot * kSlotRows);
    tile.MultiplyTN(dy, part.x.Rows(slot * kSlotRows), at.tokens);
    if (bias) sums.Add(at, dy);
  }
  tile.ForEach([&](int i, int v, int row, int column, auto& values) {
    if (row >= rows || column >= columns) return;
#pragma unroll
    for (int e = 0; e < kWidth; ++e) values[e] += before.values[i][v][e];
    Store(to + row * stride + column, values);
  });
  if (bias) sums.AddTo(slots, rows, bias);
}

// A thread adds one element of the gradients over every 8th block; those of the norms come last.
constexpr int kAddUpParts = 8;
__global__ void __launch_bounds__(32 * kAddUpParts)
    AddUpGradients(TransformerLayerSizes sizes, int blocks, int block_size, const float* partial,
                   TransformerLayerParameters<float> gradients) {
  ORBIT_SHARED(sums, float[kAddUpParts][32]);
  const int lane = threadIdx.x % 32, part = threadIdx.x / 32, index = blockIdx.x * 32 + lane;
  const int matrices = GradientSize<int>(sizes), width = static_cast<int>(sizes.width);
  const bool exists = index < matrices + 4 * width, of_norm = index >= matrices;
  const int norm = (index - matrices) / width, column = (index - matrices) % width;
  float sum = 0;
  if (exists) {
    const int slots = of_norm ? kSlots : 1;
    partial += of_norm ? matrices + norm * kSlots * width + column : index;
#pragma unroll 4
    for (int block = part; block < blocks; block += kAddUpParts)
      for (int slot = 0; slot < slots; ++slot) sum += partial[int64_t{block} * block_size + slot * width];
  }
  sums[part][lane] = sum;
  __syncthreads();
  if (part > 0 || !exists) return;
  for (int other = 1; other < kAddUpParts; ++other) sum += sums[other][lane];
  if (of_norm) {
    float* const norms[4] = {gradients.norm1_weight, gradients.norm1_bias, gradients.norm2_weight,
                             gradients.norm2_bias};
#pragma unroll
    for (int i = 0; i < 4; ++i)
      if (i == norm) norms[i][column] = sum;
    return;
  }
  const int w = width, h = static_cast<int>(sizes.hidden);
  float* const matrix[8] = {gradients.in_proj_weight, gradients.in_proj_bias,   gradients.out_proj_weight,
                            gradients.out_proj_bias,  gradients.linear1_weight, gradients.linear1_bias,
                            gradients.linear2_weight, gradients.linear2_bias};
  const int size[8] = {3 * w * w, 3 * w, w * w, w, h * w, h, w * h, w};
  int begin = 0;
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    if (index >= begin && index < begin + size[i]) matrix[i][index - begin] = sum;
    begin += size[i];
  }
}

// ---- The gradient of a norm ----
//
// The gradient of the norm's output is a tile with half of the columns; sums over whole rows are exchanged between the
// sequence's two warps.

struct RowSums {
  float sum, product;  // of the gradient, and of the gradient times the normalised row
};

template <class Tile>
struct NormGradient {
  static constexpr int kWidth = Tile::kWidth;
  using V = Vector<float, kWidth>;

  // `source` is the norm's input. Multiplies `tile` by the norm's weight, adds to the sums [kSlots, width] of the
  // norm's gradients, and writes the sums of the rows to exchange [2, kRows].
  __device__ void Begin(const LayerPlace& at, Tile& tile, const float* source, const RowStatistics* of_rows,
                        const float* weight, RowSums* exchange, float* weight_sums, float* bias_sums) {
    float dweight[Tile::kVectors][kWidth] = {}, dbias[Tile::kVectors][kWidth] = {};
    RowSums sums[Tile::kRows] = {};
#pragma unroll
    for (int i = 0; i < Tile::kRows; ++i) statistics[i] = of_rows[Tile::Row(i)];
    tile.ForEach([&](int i, int v, int row, int column, auto& values) {
      column += at.column;
      if (row >= at.tokens || column >= at.width) return;
      const V from = *reinterpret_cast<const V*>(source + row * at.width + column);
      const V w = *reinterpret_cast<const V*>(weight + column);
#pragma unroll
      for (int e = 0; e < kWidth; ++e) {
        const float normalized = Normalized(i, from[e]);
        dweight[v][e] += values[e] * normalized;
        dbias[v][e] += values[e];
        values[e] *= w[e];
        sums[i].sum += values[e];
        sums[i].product += values[e] * normalized;
      }
    });
#pragma unroll
    for (int i = 0; i < Tile::kRows; ++i) {
      const RowSums sum = {WarpSum<Tile::kLanesOfRow>(sums[i].sum), WarpSum<Tile::kLanesOfRow>(sums[i].product)};
      if (at.lane % Tile::kLanesOfRow == 0) exchange[at.half * kRows + at.row + Tile::Row(i)] = sum;
    }
#pragma unroll
    for (int v = 0; v < Tile::kVectors; ++v) {
      const int column = at.column + Tile::Column(v);
      const bool mine = at.lane < Tile::kLanesOfRow && column < at.width;
#pragma unroll
      for (int e = 0; e < kWidth; ++e) {
        const float w = ColumnSum(dweight[v][e]), b = ColumnSum(dbias[v][e]);
        if (mine) weight_sums[at.slot * at.width + column + e] += w;
        if (mine) bias_sums[at.slot * at.width + column + e] += b;
      }
    }
  }

  // When both warps have called Begin: dx = residual + the gradient, passed on as f(row, column, dx's vector). It is 0
  // beyond the tokens.
  template <class F>
  __device__ void Finish(const LayerPlace& at, Tile& tile, const float* source, const RowSums* exchange,
                         const float* residual, F&& f) const {
    const float scale = 1.0f / static_cast<float>(at.width);
    tile.ForEach([&](int i, int, int row, int column, auto& values) {
      column += at.column;
      if (column >= at.width) return;
      if (row < at.tokens) {
        RowSums total = exchange[at.row + row];
        if (at.width > 32) {
          const RowSums other = exchange[kRows + at.row + row];
          total.sum += other.sum;
          total.product += other.product;
        }
        const V from = *reinterpret_cast<const V*>(source + row * at.width + column);
        const V start = *reinterpret_cast<const V*>(residual + row * at.width + column);
#pragma unroll
        for (int e = 0; e < kWidth; ++e)
          values[e] = start[e] + (values[e] - total.sum * scale - Normalized(i, from[e]) * total.product * scale) *
                                     statistics[i].inverse_deviation;
      }
      f(row, column, values);
    });
  }

 private:
  __device__ float Normalized(int i, float x) const {
    return (x - statistics[i].mean) * statistics[i].inverse_deviation;
  }
  static __device__ float ColumnSum(float value) {
#pragma unroll
    for (int distance = Tile::kLanesOfRow; distance < 32; distance *= 2)
      value += __shfl_xor_sync(kAllLanes, value, distance);
    return value;
  }

  RowStatistics statistics[Tile::kRows];  // for the lane's rows
};

// ---- The kernel ----

// Besides the weights, shared memory has four operands. The first two are a norm's output and the gradient of what
// follows it. The other two are, for the feed-forward block, GELU's output and the gradient of its input and, for
// attention, 32 columns each of queries and keys, and of values and the gradient of the result. Single precision and
// tf32 need 227 KB, bf16 115 KB.
template <class Operand>
struct BackwardMemory {
  static constexpr int kOperandBytes = 2 * Matrix<Operand>::kBytes;
  static constexpr int kStatisticsBytes = kRows * sizeof(RowStatistics), kExchangeBytes = 2 * kRows * sizeof(RowSums);
  static constexpr int kBytes = LayerWeights<Operand>::kBytes + 4 * kOperandBytes + kStatisticsBytes + kExchangeBytes;

  __device__ BackwardMemory(unsigned char* memory, int row) : weights(memory) {
    memory += LayerWeights<Operand>::kBytes;
    const auto part = [&](int i) { return Matrix<Operand>::From(memory + i * kOperandBytes).Rows(row); };
    norm = part(0);
    gradient = part(1);
    activated = part(2);
    dhidden = part(3);
    head = {part(2), part(2).Columns(32), part(3), part(3).Columns(32)};
    memory += 4 * kOperandBytes;
    statistics = reinterpret_cast<RowStatistics*>(memory) + row;
    exchange = reinterpret_cast<RowSums*>(memory + kStatisticsBytes);
  }

  LayerWeights<Operand> weights;
  // All of these start at the row given to the constructor.
  Matrix<Operand> norm, gradient, activated, dhidden;
  HeadBackward<Operand> head;  // 32 columns, which are a few heads
  RowStatistics* statistics;
  RowSums* exchange;  // [2, kRows]
};

// What a warp needs for one turn of the loop over sequences. It is constructed anew for each part of the turn, to save
// registers.
template <class Operand>
struct BackwardTurn : LayerPlace {
  __device__ BackwardTurn(const TransformerLayerSizes& sizes, int64_t first, float* block_sums)
      : LayerPlace(sizes),
        block(DynamicShared<unsigned char>(), 0),
        m(DynamicShared<unsigned char>(), row),
        slots{static_cast<int>(min(int64_t{kSlots}, sizes.sequences - first)), first == int64_t{blockIdx.x} * kSlots},
        exists(slot < slots.present),
        has_width(exists && column < width),
        has_hidden(exists && column < hidden),
        offset((first + slot) * tokens * width),
        sums(PartsOf(*this, block_sums)) {}

  // A function that loads vectors of the sequence's rows, from x or an array of its shape.
  __device__ auto RowsOf(const float* from) const {
    return [from = from + offset, width = width](int r, int c) {
      return *reinterpret_cast<const Vector<float, 4>*>(from + r * width + c);
    };
  }

  BackwardMemory<Operand> block, m;  // block: from the block's first row; m: from the first row of the warp's sequence
  SlotRange slots;
  // whether the sequence exists, and whether it has columns of these widths in the warp's half
  bool exists, has_width, has_hidden;
  int64_t offset;
  TransformerLayerParameters<float> sums;
};

// A warp computes a quarter of the gradient of linear2's weight (warps 0 to 3) or of linear1's.
template <class Operand>
__device__ void AddFeedForwardGradients(const BackwardTurn<Operand>& at) {
  const bool second = at.warp < 4;
  const int row = at.warp / 2 % 2 * 32, column = at.warp % 2 * 32;
  const int outputs = second ? at.width : at.hidden, inputs = second ? at.hidden : at.width;
  AddWeightGradient<Operand>(
      at, at.slots,
      {.dy = (second ? at.block.gradient : at.block.dhidden).Columns(row),
       .x = (second ? at.block.activated : at.block.norm).Columns(column),
       .rows = outputs - row,
       .columns = inputs - column,
       .stride = inputs,
       .to = (second ? at.sums.linear2_weight : at.sums.linear1_weight) + row * inputs + column,
       .bias = column > 0 ? nullptr : (second ? at.sums.linear2_bias : at.sums.linear1_bias) + row});
}

// For the 32 columns of heads from `begin` on: the gradients of in_proj's rows for their queries, keys and values, and
// of out_proj's columns. Two warps share each of these four, half each.
template <class Operand>
__device__ void AddAttentionGradients(const BackwardTurn<Operand>& at, int begin) {
  const HeadBackward<Operand>& head = at.block.head;
  const int part = at.warp / 2, row = part * at.width + begin;
  const int present = min(32, at.width - begin), half = at.width - at.column;
  WeightGradient<Operand> gradient = {.dy = part == 0   ? head.dquery()
                                            : part == 1 ? head.dkey()
                                                        : head.dvalue(),
                                      .x = at.block.norm.Columns(at.column),
                                      .rows = present,
                                      .columns = half,
                                      .stride = at.width,
                                      .to = at.sums.in_proj_weight + row * at.width + at.column,
                                      .bias = at.half == 0 ? at.sums.in_proj_bias + row : nullptr};
  if (part == 3)
    gradient = {.dy = at.block.gradient.Columns(at.column),
                .x = head.result(),
                .rows = half,
                .columns = present,
                .stride = at.width,
                .to = at.sums.out_proj_weight + at.column * at.width + begin,
                .bias = begin == 0 ? at.sums.out_proj_bias + at.column : nullptr};
  AddWeightGradient(at, at.slots, gradient);
}

// Writes dx and sums [blocks, BlockSumsSize]; `middle` is Forward's. dx holds the gradient of `middle` in between.
// Bytes: x, middle, dy and dx once; the weights once per block; the block's sums read and written for every 4
// sequences, in the L2 cache. Flops per row: 2 width (11 width + 5 hidden) + 16 tokens width.
template <class Operand, int kTall, int kChannels>
__global__ void __launch_bounds__(kLayerThreads, 1)
    LayerBackward(TransformerLayerSizes sizes, TransformerLayerParameters<const float> p, const float* x,
                  const float* middle, const float* dy, float* dx, int block_sums_size, float* block_sums) {
  using Tile = WarpTile<Operand, kTall>;
  constexpr int kWidth = Tile::kWidth;
  const float eps = static_cast<float>(sizes.eps);
  block_sums += int64_t{blockIdx.x} * block_sums_size;
  {
    const LayerPlace at(sizes);
    LayerWeights<Operand>(DynamicShared<unsigned char>()).Load(at, p);
    float* norms = PartsOf(at, block_sums).norm1_weight;
    for (int i = threadIdx.x; i < 4 * kSlots * at.width; i += kLayerThreads) norms[i] = 0;
  }

  for (int64_t first = int64_t{blockIdx.x} * kSlots; first < sizes.sequences; first += int64_t{gridDim.x} * kSlots) {
    Tile tile;
    NormGradient<Tile> norm;
    // Feed-forward block.
    {
      const BackwardTurn<Operand> at(sizes, first, block_sums);
      if (at.exists) {
        Normalize(at, eps, p.norm2_weight, p.norm2_bias, at.RowsOf(middle), at.m.norm, at.m.statistics);
        WarpRows::Values values;
        WarpRows::Load(at, values, at.RowsOf(dy));
#pragma unroll
        for (int i = 0; i < WarpRows::kCount; ++i)
#pragma unroll
          for (int v = 0; v < 2; ++v)
            Store(at.m.gradient.At(WarpRows::Row(at, i), WarpRows::Column(at, v)), values[i][v]);
      }
      __syncthreads();
      if (at.has_hidden) {
        Tile hidden, dhidden;
        Linear(hidden, at.m.norm, at.m.weights.First().Rows(at.column), p.linear1_bias + at.column, at.width,
               at.hidden - at.column);
        dhidden.Clear();
        dhidden.MultiplyNN(at.m.gradient, at.m.weights.Second().Columns(at.column), at.width);
        hidden.ForEach([&](int i, int v, int row, int column, auto& values) {
          float activated[kWidth];
          auto& gradient = dhidden.values[i][v];
#pragma unroll
          for (int e = 0; e < kWidth; ++e) {
            const float cdf = NormalCdf(values[e]);
            activated[e] = values[e] * cdf;
            gradient[e] *= cdf + values[e] * exp(values[e] * values[e] * -0.5f) * 0.3989422804014327f;
          }
          Store(at.m.activated.Columns(at.column).At(row, column), activated);
          Store(at.m.dhidden.Columns(at.column).At(row, column), gradient);
        });
      }
    }
    __syncthreads();
    AddFeedForwardGradients(BackwardTurn<Operand>(sizes, first, block_sums));
    {
      const BackwardTurn<Operand> at(sizes, first, block_sums);
      tile.Clear();
      if (at.has_width) {
        tile.MultiplyNN(at.m.dhidden, at.m.weights.First().Columns(at.column), at.hidden);
        norm.Begin(at, tile, middle + at.offset, at.m.statistics, p.norm2_weight, at.m.exchange, at.sums.norm2_weight,
                   at.sums.norm2_bias);
      }
      __syncthreads();
      if (at.has_width)
        norm.Finish(at, tile, middle + at.offset, at.m.exchange, dy + at.offset,
                    [&](int row, int column, auto& values) {
                      Store(at.m.gradient.At(row, column), values);
                      if (row < at.tokens) Store(dx + at.offset + row * at.width + column, values);
                    });
      if (at.exists) Normalize(at, eps, p.norm1_weight, p.norm1_bias, at.RowsOf(x), at.m.norm, at.m.statistics);
      __syncthreads();
    }

    // Attention block, 32 columns at a time.
    tile.Clear();
    for (int begin = 0; begin < sizes.width; begin += 32) {
      const BackwardTurn<Operand> at(sizes, first, block_sums);
      const int columns = min(32, at.width - begin);
      if (at.exists) {
        Tile projected;
        const auto project = [&](int part, Matrix<Operand> to) {
          Linear(projected, at.m.norm, at.m.weights.In(part).Rows(begin), p.in_proj_bias + part * at.width + begin,
                 at.width, columns);
          projected.ForEach([&](int, int, int row, int column, auto& values) { Store(to.At(row, column), values); });
        };
        if (at.half == 0) {
          project(0, at.m.head.query);
          project(1, at.m.head.key);
        } else {
          project(2, at.m.head.value);
          projected.Clear();
          projected.MultiplyNN(at.m.gradient, at.m.weights.Out().Columns(begin), at.width);
          projected.ForEach(
              [&](int, int, int row, int column, auto& values) { Store(at.m.head.dresult.At(row, column), values); });
        }
      }
      __syncthreads();
      if (at.exists)
        for (int column = at.half * kChannels; column < columns; column += 2 * kChannels)
          AttendBackward<kChannels>(at.tokens, at.m.head.Columns(column));
      __syncthreads();
      AddAttentionGradients(BackwardTurn<Operand>(sizes, first, block_sums), begin);
      if (at.has_width) {
        tile.MultiplyNN(at.m.head.dquery(), at.m.weights.In(0).Rows(begin).Columns(at.column), columns);
        tile.MultiplyNN(at.m.head.dkey(), at.m.weights.In(1).Rows(begin).Columns(at.column), columns);
        tile.MultiplyNN(at.m.head.dvalue(), at.m.weights.In(2).Rows(begin).Columns(at.column), columns);
      }
      if (begin + 32 < at.width) __syncthreads();
    }
    const BackwardTurn<Operand> at(sizes, first, block_sums);
    if (at.has_width)
      norm.Begin(at, tile, x + at.offset, at.m.statistics, p.norm1_weight, at.m.exchange, at.sums.norm1_weight,
                 at.sums.norm1_bias);
    __syncthreads();
    if (at.has_width)
      norm.Finish(at, tile, x + at.offset, at.m.exchange, dx + at.offset, [&](int row, int column, auto& values) {
        if (row < at.tokens) Store(dx + at.offset + row * at.width + column, values);
      });
  }
}

}  // namespace

void LayerBackwardOnChip(Gpu gpu, const TransformerLayerSizes& sizes, const TransformerLayerParameters<const float>& p,
                         const float* x, const float* middle, const float* dy, float* dx,
                         const TransformerLayerParameters<float>& gradients) {
  const int64_t blocks = sizes.tokens > 0 ? BlocksOf(gpu, sizes) : 0, size = BlockSumsSize(sizes);
  const Scratch<float> sums(gpu, blocks * size);
  if (blocks > 0)
    ForOperand(gpu, sizes, [&]<class Operand, int kTall, int kChannels>() {
      Launch("TransformerLayerBackward", gpu, dim3(blocks), dim3(kLayerThreads), BackwardMemory<Operand>::kBytes,
             LayerBackward<Operand, kTall, kChannels>, sizes, p, x, middle, dy, dx, static_cast<int>(size),
             sums.data());
    });
  const int64_t elements = GradientSize<int64_t>(sizes) + 4 * sizes.width;
  Launch("TransformerLayerBackward", gpu, dim3(DivideUp<int64_t>(elements, 32)), dim3(32 * kAddUpParts), 0,
         AddUpGradients, sizes, static_cast<int>(blocks), static_cast<int>(size), sums.data(), gradients);
}

}  // namespace orbit::kernels
