// Attention for one head of one sequence, on the calling thread: out = softmax(q k^T) v. The queries must be scaled
// already.
//
// The scores are stored transposed, one column per query, so the softmax runs down the columns: one query per vector
// lane, without reductions across lanes or masks. Queries are processed in blocks of up to four vectors, so that the
// scores of a block, [tokens, block], stay in cache.
#if defined(ORBIT_KERNELS_CPU_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORBIT_KERNELS_CPU_ATTENTION_INL_H_
#undef ORBIT_KERNELS_CPU_ATTENTION_INL_H_
#else
#define ORBIT_KERNELS_CPU_ATTENTION_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "kernels/cpu/exp-inl.h"
#include "kernels/cpu/small_matmul-inl.h"

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {

constexpr int kBlockVectors = 4;

// y [columns, rows] = transpose of x [rows, columns]; both have row strides.
template <class T>
void TransposeTo(int64_t rows, int64_t columns, const T* x, int64_t x_stride, T* y, int64_t y_stride) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (std::is_same_v<T, float>) {
    if (rows >= 4 && columns >= 4) {
      const hn::Full128<float> d;
      const hn::Full128<double> pairs;
      for (int64_t i = 0; i < rows; i += 4)
        for (int64_t j = 0; j < columns; j += 4) {  // the last block overlaps the previous one
          const int64_t row = std::min(i, rows - 4), column = std::min(j, columns - 4);
          const float* from = x + row * x_stride + column;
          const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + x_stride);
          const auto r2 = hn::LoadU(d, from + 2 * x_stride), r3 = hn::LoadU(d, from + 3 * x_stride);
          const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
          const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
          const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
          const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
          float* to = y + column * y_stride + row;
          hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, to);
          hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, to + y_stride);
          hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, to + 2 * y_stride);
          hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, to + 3 * y_stride);
        }
      return;
    }
  }
#endif
  for (int64_t column = 0; column < columns; ++column)
    for (int64_t row = 0; row < rows; ++row) y[column * y_stride + row] = x[row * x_stride + column];
}

// Replaces each column of scores [keys, kVectors vectors] by its softmax. Writes the log-sum-exp of the first `count`
// columns to log_sums unless that is null.
template <int kVectors, class T>
void SoftmaxColumns(int64_t keys, T* scores, T* log_sums, int64_t count) {
  const Tag<T> d;
  constexpr int64_t kN = kLanes<T>, kStride = kVectors * kN;
  Vector<T> most[kVectors], sum[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    most[v] = hn::Load(d, scores + v * kN);
    sum[v] = hn::Zero(d);
  }
  for (int64_t key = 1; key < keys; ++key)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) most[v] = hn::Max(most[v], hn::Load(d, scores + key * kStride + v * kN));
  for (int64_t key = 0; key < keys; ++key)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      T* score = scores + key * kStride + v * kN;
      const Vector<T> exp = Exp<T>(hn::Sub(hn::Load(d, score), most[v]));
      sum[v] = hn::Add(sum[v], exp);
      hn::Store(exp, d, score);
    }
  if (log_sums)
    for (int v = 0; v < kVectors && v * kN < count; ++v)
      StoreFirst(hn::Add(most[v], hn::Log(d, sum[v])), log_sums + v * kN, count - v * kN);
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) sum[v] = hn::Div(hn::Set(d, T(1)), sum[v]);
  for (int64_t key = 0; key < keys; ++key)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      T* score = scores + key * kStride + v * kN;
      hn::Store(hn::Mul(hn::Load(d, score), sum[v]), d, score);
    }
}

// In place, from the scores and log_sums of the forward pass: scores become probabilities and dprobabilities becomes
// the gradient of the scores.
template <int kVectors, class T>
void SoftmaxColumnsBackward(int64_t keys, T* scores, const T* log_sums, int64_t count, T* dprobabilities) {
  const Tag<T> d;
  constexpr int64_t kN = kLanes<T>, kStride = kVectors * kN;
  Vector<T> log_sum[kVectors], mean[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    log_sum[v] = v * kN < count ? LoadFirst(log_sums + v * kN, count - v * kN) : hn::Zero(d);
    mean[v] = hn::Zero(d);
  }
  for (int64_t key = 0; key < keys; ++key)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const int64_t at = key * kStride + v * kN;
      const Vector<T> probability = Exp<T>(hn::Sub(hn::Load(d, scores + at), log_sum[v]));
      hn::Store(probability, d, scores + at);
      mean[v] = hn::MulAdd(probability, hn::Load(d, dprobabilities + at), mean[v]);
    }
  for (int64_t key = 0; key < keys; ++key)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const int64_t at = key * kStride + v * kN;
      const Vector<T> centred = hn::Sub(hn::Load(d, dprobabilities + at), mean[v]);
      hn::Store(hn::Mul(centred, hn::Load(d, scores + at)), d, dprobabilities + at);
    }
}

// Calls f.template operator()<kVectors>() for kVectors = vectors.
template <class F>
void WithVectors(int64_t vectors, F&& f) {
  static_assert(kBlockVectors == 4);
  switch (vectors) {
    case 1:
      return f.template operator()<1>();
    case 2:
      return f.template operator()<2>();
    case 3:
      return f.template operator()<3>();
    default:
      return f.template operator()<4>();
  }
}

// The queries, keys and values of one head, or their gradients: [tokens, width] each, with a common row stride.
template <class T>
struct Head {
  T *q, *k, *v;
  int64_t stride;
};

template <class T>
class Attention {
 public:
  // The number of scratch elements per head.
  static int64_t ScratchSize(int64_t tokens, int64_t width) { return 2 * (tokens + width) * Block(tokens); }

  // `scratch` must be aligned to a vector. Each row of k and v (in Backward also of q and dout) must be followed by one
  // readable vector; its contents do not matter.
  Attention(int64_t tokens, int64_t width, T* scratch) : tokens_(tokens), width_(width), block_(Block(tokens)) {
    columns_ = scratch;
    gradient_columns_ = columns_ + width * block_;
    scores_ = gradient_columns_ + width * block_;
    gradient_ = scores_ + tokens * block_;
    std::fill_n(columns_, 2 * width * block_, T(0));  // the lanes after the last query need finite values
  }

  // out [tokens, width]; log_sums [tokens], which Backward needs, may be null.
  void Forward(Head<const T> head, T* out, int64_t out_stride, T* log_sums) const {
    for (int64_t first = 0; first < tokens_; first += block_) {
      const int64_t count = std::min(block_, tokens_ - first);
      const int64_t lanes = Scores(head, first, count);
      WithVectors(lanes / kLanes<T>, [&]<int kVectors>() {
        SoftmaxColumns<kVectors>(tokens_, scores_, log_sums ? log_sums + first : nullptr, count);
      });
      Out(head, first, count, lanes, out, out_stride);
    }
  }

  // Computes the gradients of q, k and v from dout. Also recomputes out, the result of Forward, unless `out` is null.
  void Backward(Head<const T> head, const T* log_sums, const T* dout, int64_t dout_stride, Head<T> gradient, T* out,
                int64_t out_stride) const {
    for (int64_t first = 0; first < tokens_; first += block_) {
      const int64_t count = std::min(block_, tokens_ - first);
      const int64_t lanes = Scores(head, first, count);
      TransposeTo(count, width_, dout + first * dout_stride, dout_stride, gradient_columns_, lanes);
      Multiply<false>(Product<T>{.m = tokens_,
                                 .n = lanes,
                                 .k = width_,
                                 .a = head.v,
                                 .a_stride = head.stride,
                                 .b = gradient_columns_,
                                 .b_stride = lanes,
                                 .c = gradient_,
                                 .c_stride = lanes});
      WithVectors(lanes / kLanes<T>, [&]<int kVectors>() {
        SoftmaxColumnsBackward<kVectors>(tokens_, scores_, log_sums + first, count, gradient_);
      });
      if (out) Out(head, first, count, lanes, out, out_stride);
      Multiply<true>(Product<T>{.m = count,
                                .n = width_,
                                .k = tokens_,
                                .a = gradient_,
                                .a_stride = lanes,
                                .b = head.k,
                                .b_stride = head.stride,
                                .c = gradient.q + first * gradient.stride,
                                .c_stride = gradient.stride});
      const auto add = [&](const T* a, const T* b, int64_t b_stride, T* c) {
        Multiply<false>(Product<T>{.m = tokens_,
                                   .n = width_,
                                   .k = count,
                                   .a = a,
                                   .a_stride = lanes,
                                   .b = b,
                                   .b_stride = b_stride,
                                   .c = c,
                                   .c_stride = gradient.stride,
                                   .start = first == 0 ? nullptr : c,
                                   .start_stride = gradient.stride});
      };
      add(gradient_, head.q + first * head.stride, head.stride, gradient.k);
      add(scores_, dout + first * dout_stride, dout_stride, gradient.v);
    }
  }

 private:
  static int64_t Block(int64_t tokens) { return std::min(RoundUp(tokens, kLanes<T>), kBlockVectors * kLanes<T>); }

  // Computes the scores of `count` queries from `first` on, [tokens, lanes], and returns lanes: `count` rounded up to
  // whole vectors.
  int64_t Scores(Head<const T> head, int64_t first, int64_t count) const {
    const int64_t lanes = RoundUp(count, kLanes<T>);
    TransposeTo(count, width_, head.q + first * head.stride, head.stride, columns_, lanes);
    Multiply<false>(Product<T>{.m = tokens_,
                               .n = lanes,
                               .k = width_,
                               .a = head.k,
                               .a_stride = head.stride,
                               .b = columns_,
                               .b_stride = lanes,
                               .c = scores_,
                               .c_stride = lanes});
    return lanes;
  }

  // out = probabilities * v, for the queries of the last call of Scores.
  void Out(Head<const T> head, int64_t first, int64_t count, int64_t lanes, T* out, int64_t out_stride) const {
    Multiply<true>(Product<T>{.m = count,
                              .n = width_,
                              .k = tokens_,
                              .a = scores_,
                              .a_stride = lanes,
                              .b = head.v,
                              .b_stride = head.stride,
                              .c = out + first * out_stride,
                              .c_stride = out_stride});
  }

  int64_t tokens_, width_, block_;
  T *columns_, *gradient_columns_;  // [width, block]: q and dout, transposed
  T *scores_, *gradient_;           // [tokens, block]
};

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
