#include "kernels/transformer_layer.h"

#include <algorithm>
#include <type_traits>

#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"
#include "kernels/parallel.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/transformer_layer.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/attention-inl.h"
#include "kernels/cpu/gelu-inl.h"
#include "kernels/cpu/layer_norm-inl.h"
#include "kernels/cpu/small_matmul-inl.h"
#include "kernels/cpu/transformer_layer_weights-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

constexpr int64_t kTileRows = 100;   // rows that go through the layer together; they take a quarter of the L2 cache
constexpr int64_t kMostChunks = 32;  // partial sums of the gradients

// What Forward keeps for Backward. Rows are ordered by sequence, so that a tile's part of each array is contiguous.
template <class T>
struct Saved {
  Saved(const TransformerLayerSizes& sizes, T* data) {
    const int64_t rows = sizes.sequences * sizes.tokens;
    const auto take = [&](int64_t size) {
      T* array = data;
      data += RoundUp(size, 16) + 16;  // kernels may read one vector beyond the end
      return array;
    };
    projected = take(rows * 3 * sizes.width);
    middle = take(rows * sizes.width);
    hidden = take(rows * sizes.hidden);
    log_sums = take(rows * sizes.heads);
    norm1 = reinterpret_cast<RowStatistics<T>*>(take(2 * rows));
    norm2 = reinterpret_cast<RowStatistics<T>*>(take(2 * rows));
    end = data;
  }

  // The arrays from sequence `first` on.
  Saved From(const TransformerLayerSizes& sizes, int64_t first) const {
    const int64_t row = first * sizes.tokens;
    Saved tile = *this;
    tile.projected += row * 3 * sizes.width;
    tile.middle += row * sizes.width;
    tile.hidden += row * sizes.hidden;
    tile.log_sums += row * sizes.heads;
    tile.norm1 += row;
    tile.norm2 += row;
    return tile;
  }

  T* projected;                    // [rows, 3 width]: scaled queries, keys, values
  T* middle;                       // [rows, width]: after the attention block
  T* hidden;                       // [rows, hidden]: before GELU
  T* log_sums;                     // [sequences, heads, tokens]: log-sum-exp of the scores
  RowStatistics<T>*norm1, *norm2;  // [rows]
  T* end;
};

// y [rows, outputs] = x [rows, inputs] W + b + start. `prepared` holds W [inputs, outputs], then b; start may be null.
template <class T>
void Apply(int64_t rows, const Linear<T>& linear, const T* x, const T* prepared, const T* start, T* y) {
  Multiply<false>(Product<T>{.m = rows,
                             .n = linear.outputs,
                             .k = linear.inputs,
                             .a = x,
                             .a_stride = linear.inputs,
                             .b = prepared,
                             .b_stride = linear.outputs,
                             .c = y,
                             .c_stride = linear.outputs,
                             .bias = prepared + linear.outputs * linear.inputs,
                             .start = start,
                             .start_stride = linear.outputs});
}

// dx [rows, inputs] = dy [rows, outputs] W. `prepared` holds W [outputs, inputs].
template <class T>
void ApplyBackward(int64_t rows, const Linear<T>& linear, const T* dy, const T* prepared, T* dx) {
  Multiply<false>(Product<T>{.m = rows,
                             .n = linear.inputs,
                             .k = linear.outputs,
                             .a = dy,
                             .a_stride = linear.outputs,
                             .b = prepared,
                             .b_stride = linear.inputs,
                             .c = dx,
                             .c_stride = linear.inputs});
}

// The gradients of y = x W^T + b: `gradient` holds those of W [outputs, inputs], then of b, to which they are added
// unless they are its `first`.
template <class T>
void AddGradient(int64_t rows, const Linear<T>& linear, const T* dy, const T* x, bool first, T* gradient) {
  Multiply<true>(Product<T>{.m = linear.outputs,
                            .n = linear.inputs,
                            .k = rows,
                            .a = dy,
                            .a_stride = linear.outputs,
                            .b = x,
                            .b_stride = linear.inputs,
                            .c = gradient,
                            .c_stride = linear.inputs,
                            .start = first ? nullptr : gradient,
                            .start_stride = linear.inputs});
  T* of_bias = gradient + linear.outputs * linear.inputs;
  if (first) std::fill_n(of_bias, linear.outputs, T(0));
  AddColumnSums(rows, linear.outputs, dy, of_bias);
}

template <class T>
class Layer {
 public:
  Layer(const TransformerLayerSizes& sizes, const TransformerLayerParameters<const T>& parameters, bool transpose)
      : sizes_(sizes), products_(sizes, parameters), memory_(products_.Size()), weights_(products_, memory_.data()) {
    products_.in.Prepare(transpose, weights_.in);
    products_.out.Prepare(transpose, weights_.out);
    products_.first.Prepare(transpose, weights_.first);
    products_.second.Prepare(transpose, weights_.second);
    tile_ = std::max<int64_t>(1, kTileRows / std::max<int64_t>(1, sizes.tokens));
  }

  void Forward(const T* x, T* y, T* saved) {
    const Saved<T> all(sizes_, saved);
    const int64_t grain = RoundUp(std::max(tile_, NumChunks(sizes_.sequences, 4 * kMostChunks)), tile_);
    ParallelFor(sizes_.sequences, grain, [&](int64_t begin, int64_t end) {
      TransformerLayerSizes one_tile = sizes_;
      one_tile.sequences = tile_;
      Scratch<T> own(saved ? 0 : Saved<T>(one_tile, nullptr).end - static_cast<T*>(nullptr));
      Scratch<T> scratch(ForwardScratch());
      for (int64_t first = begin; first < end; first += tile_) {
        const int64_t at = first * sizes_.tokens * sizes_.width;
        ForwardTile(std::min(tile_, end - first), x + at, y + at,
                    saved ? all.From(sizes_, first) : Saved<T>(one_tile, own.data()), scratch.data());
      }
    });
  }

  void Backward(const T* x, const T* saved, const T* dy, T* dx, const TransformerLayerParameters<T>& gradients) {
    const Saved<T> all(sizes_, const_cast<T*>(saved));
    const int64_t size = products_.Size();
    const int64_t grain = RoundUp(std::max(tile_, NumChunks(sizes_.sequences, kMostChunks)), tile_);
    const int64_t chunks = NumChunks(sizes_.sequences, grain);
    Scratch<T> partial(chunks * size);
    T* sums = partial.data();
    ParallelFor(sizes_.sequences, grain, [&](int64_t begin, int64_t end) {
      T* sum = sums + begin / grain * size;
      Scratch<T> scratch(BackwardScratch());
      for (int64_t first = begin; first < end; first += tile_) {
        const int64_t at = first * sizes_.tokens * sizes_.width;
        BackwardTile(std::min(tile_, end - first), x + at, all.From(sizes_, first), dy + at, dx + at, first == begin,
                     PreparedWeights<T>(products_, sum), scratch.data());
      }
    });
    const PreparedWeights<T> sum(products_, sums);
    products_.in.Finish(sum.in, chunks, size, gradients.in_proj_weight, gradients.in_proj_bias, gradients.norm1_weight,
                        gradients.norm1_bias);
    products_.out.Finish(sum.out, chunks, size, gradients.out_proj_weight, gradients.out_proj_bias);
    products_.first.Finish(sum.first, chunks, size, gradients.linear1_weight, gradients.linear1_bias,
                           gradients.norm2_weight, gradients.norm2_bias);
    products_.second.Finish(sum.second, chunks, size, gradients.linear2_weight, gradients.linear2_bias);
  }

 private:
  int64_t TileSize(int64_t columns) const { return RoundUp(tile_ * sizes_.tokens * columns, 16) + 16; }
  int64_t HeadWidth() const { return sizes_.width / sizes_.heads; }
  int64_t AttentionScratch() const { return RoundUp(Attention<T>::ScratchSize(sizes_.tokens, HeadWidth()), 16); }
  int64_t ForwardScratch() const { return AttentionScratch() + TileSize(std::max(sizes_.width, sizes_.hidden)); }
  int64_t BackwardScratch() const {
    return AttentionScratch() + 2 * TileSize(std::max(sizes_.width, sizes_.hidden)) + TileSize(sizes_.width) +
           TileSize(3 * sizes_.width);
  }

  // Calls f(head, out, log_sums) for every sequence and head: its part of `projected` and its offsets in the
  // attention's output [tokens, width] and in log_sums.
  template <class F>
  void ForEachHead(int64_t sequences, T* projected, F&& f) const {
    const int64_t width = sizes_.width, stride = 3 * width, tokens = sizes_.tokens;
    for (int64_t s = 0; s < sequences; ++s)
      for (int64_t h = 0; h < sizes_.heads; ++h) {
        T* q = projected + s * tokens * stride + h * HeadWidth();
        f(Head<T>{q, q + width, q + 2 * width, stride}, s * tokens * width + h * HeadWidth(),
          (s * sizes_.heads + h) * tokens);
      }
  }

  static Head<const T> Const(Head<T> head) { return {head.q, head.k, head.v, head.stride}; }

  void ForwardTile(int64_t sequences, const T* x, T* y, const Saved<T>& saved, T* scratch) const {
    const int64_t rows = sequences * sizes_.tokens;
    T* a = scratch + AttentionScratch();
    StatisticsOf(rows, sizes_.width, static_cast<T>(sizes_.eps), x, saved.norm1);
    Normalize(rows, sizes_.width, saved.norm1, x, a);
    Apply(rows, products_.in, a, weights_.in, static_cast<const T*>(nullptr), saved.projected);
    const Attention<T> attention(sizes_.tokens, HeadWidth(), scratch);
    ForEachHead(sequences, saved.projected, [&](Head<T> head, int64_t out, int64_t log_sums) {
      attention.Forward(Const(head), a + out, sizes_.width, saved.log_sums + log_sums);
    });
    Apply(rows, products_.out, a, weights_.out, x, saved.middle);
    StatisticsOf<T>(rows, sizes_.width, static_cast<T>(sizes_.eps), saved.middle, saved.norm2);
    Normalize<T>(rows, sizes_.width, saved.norm2, saved.middle, a);
    Apply(rows, products_.first, a, weights_.first, static_cast<const T*>(nullptr), saved.hidden);
    Gelu(rows * sizes_.hidden, saved.hidden, a);
    Apply(rows, products_.second, a, weights_.second, static_cast<const T*>(saved.middle), y);
  }

  // Adds the gradients of the weights to `sums` unless they are the `first`.
  void BackwardTile(int64_t sequences, const T* x, const Saved<T>& saved, const T* dy, T* dx, bool first,
                    const PreparedWeights<T>& sums, T* scratch) const {
    const int64_t rows = sequences * sizes_.tokens;
    T* a = scratch + AttentionScratch();
    T* b = a + TileSize(std::max(sizes_.width, sizes_.hidden));
    T* dmiddle = b + TileSize(std::max(sizes_.width, sizes_.hidden));
    T* dprojected = dmiddle + TileSize(sizes_.width);
    // Feed-forward block: a holds operands of products, b gradients.
    ApplyBackward(rows, products_.second, dy, weights_.second, b);
    GeluBackward(rows * sizes_.hidden, saved.hidden, b, b, a);
    AddGradient(rows, products_.second, dy, a, first, sums.second);
    Normalize<T>(rows, sizes_.width, saved.norm2, saved.middle, a);
    AddGradient(rows, products_.first, b, a, first, sums.first);
    ApplyBackward(rows, products_.first, b, weights_.first, dmiddle);
    NormalizeBackward<T>(rows, sizes_.width, saved.norm2, a, dmiddle, dy, dmiddle);
    // Attention block.
    ApplyBackward(rows, products_.out, dmiddle, weights_.out, b);
    const Attention<T> attention(sizes_.tokens, HeadWidth(), scratch);
    ForEachHead(sequences, saved.projected, [&](Head<T> head, int64_t out, int64_t log_sums) {
      const int64_t offset = head.q - saved.projected;
      T* dq = dprojected + offset;
      attention.Backward(Const(head), saved.log_sums + log_sums, b + out, sizes_.width,
                         Head<T>{dq, dq + sizes_.width, dq + 2 * sizes_.width, head.stride}, a + out, sizes_.width);
    });
    AddGradient(rows, products_.out, dmiddle, a, first, sums.out);
    Normalize(rows, sizes_.width, saved.norm1, x, a);
    AddGradient(rows, products_.in, dprojected, a, first, sums.in);
    ApplyBackward(rows, products_.in, dprojected, weights_.in, b);
    NormalizeBackward<T>(rows, sizes_.width, saved.norm1, a, b, dmiddle, dx);
  }

  const TransformerLayerSizes& sizes_;
  LayerProducts<T> products_;
  Scratch<T> memory_;
  PreparedWeights<T> weights_;
  int64_t tile_;  // sequences per tile
};

template <class T>
void Forward(const TransformerLayerSizes& sizes, const TransformerLayerParameters<const T>& parameters, const T* x,
             T* y, T* saved) {
  Layer<T>(sizes, parameters, true).Forward(x, y, saved);
}

template <class T>
void Backward(const TransformerLayerSizes& sizes, const TransformerLayerParameters<const T>& parameters, const T* x,
              const T* saved, const T* dy, T* dx, const TransformerLayerParameters<T>& gradients) {
  Layer<T>(sizes, parameters, false).Backward(x, saved, dy, dx, gradients);
}

}  // namespace

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

ORBIT_EXPORT(Forward)
ORBIT_EXPORT(Backward)

}  // namespace

template <class T, class Device>
int64_t TransformerLayerSavedSize(Device, const TransformerLayerSizes& sizes) {
  const int64_t rows = sizes.sequences * sizes.tokens;
  int64_t size = 0;
  for (const int64_t columns : {3 * sizes.width, sizes.width, sizes.hidden, sizes.heads, int64_t{2}, int64_t{2}})
    size += (rows * columns + 15) / 16 * 16 + 16;
  return size;
}

template <class Device, class T>
void TransformerLayerForward(Device, const TransformerLayerSizes& sizes,
                             const TransformerLayerParameters<const T>& parameters, const T* x, T* y, T* saved) {
  Forward<T>(sizes, parameters, x, y, saved);
}

template <class Device, class T>
void TransformerLayerBackward(Device, const TransformerLayerSizes& sizes,
                              const TransformerLayerParameters<const T>& parameters, const T* x, const T* saved,
                              const T* dy, T* dx, const TransformerLayerParameters<T>& gradients) {
  Backward<T>(sizes, parameters, x, saved, dy, dx, gradients);
}

#define ORBIT_INSTANTIATE(T)                                                                                           \
  template int64_t TransformerLayerSavedSize<T>(Cpu, const TransformerLayerSizes&);                                    \
  template void TransformerLayerForward(Cpu, const TransformerLayerSizes&, const TransformerLayerParameters<const T>&, \
                                        const T*, T*, T*);                                                             \
  template void TransformerLayerBackward(Cpu, const TransformerLayerSizes&,                                            \
                                         const TransformerLayerParameters<const T>&, const T*, const T*, const T*, T*, \
                                         const TransformerLayerParameters<T>&);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

template <>
bool TransformerLayerIsOneKernel(Cpu, const TransformerLayerSizes&) {
  return false;
}

}  // namespace orbit::kernels
#endif  // HWY_ONCE
