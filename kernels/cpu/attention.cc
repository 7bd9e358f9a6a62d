#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cpu/floats.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"
#include "kernels/parallel.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/attention-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

// Memory for a head without a mask: its queries, which are scaled, keys and values, and what else has rows of
// `channels` and is read or written by products, each [tokens, channels], one after another.
template <class T>
class HeadMemory {
 public:
  HeadMemory(const AttentionShape& shape, int64_t arrays)
      : tokens_(shape.tokens),
        channels_(shape.channels),
        size_(RoundUp(tokens_ * channels_, 16) + 16),
        attention_(RoundUp(Attention<T>::ScratchSize(tokens_, channels_), 16)),
        memory_(attention_ + arrays * size_) {}

  T* scratch() { return memory_.data(); }
  T* array(int64_t i) { return memory_.data() + attention_ + i * size_; }

  // array i = factor * rows of x, which are `stride` apart.
  void Gather(int64_t i, const T* x, int64_t stride, T factor) {
    T* to = array(i);
    for (int64_t t = 0; t < tokens_; ++t)
      for (int64_t c = 0; c < channels_; ++c) to[t * channels_ + c] = factor * x[t * stride + c];
  }
  // The inverse.
  void Scatter(int64_t i, T* x, int64_t stride, T factor) {
    const T* from = array(i);
    for (int64_t t = 0; t < tokens_; ++t)
      for (int64_t c = 0; c < channels_; ++c) x[t * stride + c] = factor * from[t * channels_ + c];
  }

 private:
  int64_t tokens_, channels_, size_, attention_;
  Scratch<T> memory_;
};

// Where head `pair` of all sequences' heads begins in `projected` and in y.
struct HeadOffsets {
  HeadOffsets(const AttentionShape& shape, int64_t pair) {
    const int64_t row = pair / shape.heads * shape.tokens, column = pair % shape.heads * shape.channels;
    projected = row * 3 * shape.width() + column;
    y = row * shape.width() + column;
  }
  int64_t projected, y;
};

template <class T>
void ForwardHeads(const AttentionShape& shape, int64_t begin, int64_t end, const T* projected, T* y, T* log_sums) {
  const int64_t width = shape.width(), channels = shape.channels;
  const T scale = T(1) / std::sqrt(static_cast<T>(channels));
  HeadMemory<T> memory(shape, 3);
  const Attention<T> attention(shape.tokens, channels, memory.scratch());
  for (int64_t pair = begin; pair < end; ++pair) {
    const HeadOffsets at(shape, pair);
    for (int64_t i = 0; i < 3; ++i)
      memory.Gather(i, projected + at.projected + i * width, 3 * width, i == 0 ? scale : T(1));
    attention.Forward(Head<const T>{memory.array(0), memory.array(1), memory.array(2), channels}, y + at.y, width,
                      log_sums + pair * shape.tokens);
  }
}

template <class T>
void BackwardHeads(const AttentionShape& shape, int64_t begin, int64_t end, const T* projected, const T* log_sums,
                   const T* dy, T* dprojected) {
  const int64_t width = shape.width(), channels = shape.channels;
  const T scale = T(1) / std::sqrt(static_cast<T>(channels));
  HeadMemory<T> memory(shape, 7);
  const Attention<T> attention(shape.tokens, channels, memory.scratch());
  for (int64_t pair = begin; pair < end; ++pair) {
    const HeadOffsets at(shape, pair);
    for (int64_t i = 0; i < 3; ++i)
      memory.Gather(i, projected + at.projected + i * width, 3 * width, i == 0 ? scale : T(1));
    memory.Gather(3, dy + at.y, width, T(1));
    attention.Backward(Head<const T>{memory.array(0), memory.array(1), memory.array(2), channels},
                       log_sums + pair * shape.tokens, memory.array(3), channels,
                       Head<T>{memory.array(4), memory.array(5), memory.array(6), channels}, nullptr, 0);
    for (int64_t i = 0; i < 3; ++i)
      memory.Scatter(4 + i, dprojected + at.projected + i * width, 3 * width, i == 0 ? scale : T(1));
  }
}

}  // namespace
}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

ORBIT_EXPORT(ForwardHeads)
ORBIT_EXPORT(BackwardHeads)

// The heads that are one task.
int64_t Grain(const AttentionShape& shape) {
  const int64_t work = std::max<int64_t>(1, shape.tokens * shape.tokens * shape.channels);
  return std::max<int64_t>(1, (1 << 15) / work);
}

// One head of one sequence with a mask, one score after another. Rows of q, k and v are `stride` apart, rows of y
// `width`.
template <class T>
struct MaskedHead {
  int64_t tokens, channels, stride, width;
  const T *q, *k, *v;
  T scale;
  int64_t sequence, head;
  AttentionMask<T> mask;

  T Score(int64_t i, int64_t j) const {
    return scale * Dot(q + i * stride, k + j * stride) + mask.At(sequence, head, i, j);
  }
  T Dot(const T* a, const T* b) const {
    T sum = 0;
    for (int64_t c = 0; c < channels; ++c) sum += a[c] * b[c];
    return sum;
  }
  void Add(T factor, const T* x, T* y) const {
    for (int64_t c = 0; c < channels; ++c) y[c] += factor * x[c];
  }
};

// Calls f(head, in, out, sums) for every head: the offsets of its first row in projected, y and log_sums.
template <class T, class F>
void ForEachHead(const AttentionShape& shape, const T* projected, const AttentionMask<T>& mask, F&& f) {
  const int64_t width = shape.width();
  const T scale = T(1) / std::sqrt(static_cast<T>(shape.channels));
  ParallelFor(shape.sequences * shape.heads, Grain(shape), [&](int64_t begin, int64_t end) {
    for (int64_t pair = begin; pair < end; ++pair) {
      const int64_t row = pair / shape.heads * shape.tokens, column = pair % shape.heads * shape.channels;
      const int64_t at = row * 3 * width + column;
      const T* q = projected + at;
      f(MaskedHead<T>{shape.tokens, shape.channels, 3 * width, width, q, q + width, q + 2 * width, scale,
                      pair / shape.heads, pair % shape.heads, mask},
        at, row * width + column, pair * shape.tokens);
    }
  });
}

}  // namespace

template <class Device, class T>
void AttentionForward(Device, const AttentionShape& shape, const T* projected, T* y, SumType<T>* log_sums,
                      const AttentionMask<SumType<T>>& mask) {
  if (mask.data == nullptr)
    return ParallelFor(shape.sequences * shape.heads, Grain(shape),
                       [&](int64_t begin, int64_t end) { ForwardHeads<T>(shape, begin, end, projected, y, log_sums); });
  ForEachHead(shape, projected, mask, [&](const MaskedHead<T>& head, int64_t, int64_t out, int64_t sums) {
    std::vector<T> weights(head.tokens);
    for (int64_t i = 0; i < head.tokens; ++i) {
      for (int64_t j = 0; j < head.tokens; ++j) weights[j] = head.Score(i, j);
      T largest = weights[0];
      for (const T weight : weights)
        if (std::isnan(weight) || largest < weight) largest = weight;  // a NaN stays the largest
      T* row = y + out + i * head.width;
      std::fill_n(row, head.channels, T(0));
      if (largest == -std::numeric_limits<T>::infinity()) {
        log_sums[sums + i] = -largest;
        continue;
      }
      T sum = 0;
      for (T& weight : weights) sum += weight = std::exp(weight - largest);
      for (int64_t j = 0; j < head.tokens; ++j) head.Add(weights[j] / sum, head.v + j * head.stride, row);
      log_sums[sums + i] = largest + std::log(sum);
    }
  });
}

template <class Device, class T>
void AttentionBackward(Device, const AttentionShape& shape, const T* projected, const T* y, const SumType<T>* log_sums,
                       const T* dy, T* dprojected, const AttentionMask<SumType<T>>& mask) {
  if (mask.data == nullptr)
    return ParallelFor(shape.sequences * shape.heads, Grain(shape), [&](int64_t begin, int64_t end) {
      BackwardHeads<T>(shape, begin, end, projected, log_sums, dy, dprojected);
    });
  ForEachHead(shape, projected, mask, [&](const MaskedHead<T>& head, int64_t in, int64_t out, int64_t sums) {
    T *dq = dprojected + in, *dk = dq + head.width, *dv = dk + head.width;
    for (int64_t i = 0; i < head.tokens; ++i)
      for (T* d : {dq, dk, dv}) std::fill_n(d + i * head.stride, head.channels, T(0));
    for (int64_t i = 0; i < head.tokens; ++i) {
      const T* gradient = dy + out + i * head.width;
      const T along = head.Dot(gradient, y + out + i * head.width);
      for (int64_t j = 0; j < head.tokens; ++j) {
        const T weight = std::exp(head.Score(i, j) - log_sums[sums + i]);
        const T dscore = head.scale * weight * (head.Dot(gradient, head.v + j * head.stride) - along);
        head.Add(dscore, head.k + j * head.stride, dq + i * head.stride);
        head.Add(dscore, head.q + i * head.stride, dk + j * head.stride);
        head.Add(weight, gradient, dv + j * head.stride);
      }
    }
  });
}

template <>
void AttentionForward(Cpu cpu, const AttentionShape& shape, const BFloat16* projected, BFloat16* y, float* log_sums,
                      const AttentionMask<float>& mask) {
  const int64_t size = shape.rows() * shape.width();
  const Floats result(size);
  AttentionForward<Cpu, float>(cpu, shape, Floats(3 * size, projected).data(), result.data(), log_sums, mask);
  result.RoundTo(y);
}

template <>
void AttentionBackward(Cpu cpu, const AttentionShape& shape, const BFloat16* projected, const BFloat16* y,
                       const float* log_sums, const BFloat16* dy, BFloat16* dprojected,
                       const AttentionMask<float>& mask) {
  const int64_t size = shape.rows() * shape.width();
  const Floats result(3 * size);
  AttentionBackward<Cpu, float>(cpu, shape, Floats(3 * size, projected).data(), Floats(size, y).data(), log_sums,
                                Floats(size, dy).data(), result.data(), mask);
  result.RoundTo(dprojected);
}

#define ORBIT_INSTANTIATE(T)                                                                              \
  template void AttentionForward(Cpu, const AttentionShape&, const T*, T*, T*, const AttentionMask<T>&);  \
  template void AttentionBackward(Cpu, const AttentionShape&, const T*, const T*, const T*, const T*, T*, \
                                  const AttentionMask<T>&);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
