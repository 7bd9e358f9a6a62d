// Scaled dot-product attention (Vaswani et al., NeurIPS 2017).
#ifndef ORBIT_KERNELS_ATTENTION_H_
#define ORBIT_KERNELS_ATTENTION_H_

#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/device.h"

namespace orbit::kernels {

struct AttentionShape {
  int64_t sequences, tokens;  // tokens per sequence
  int64_t heads, channels;    // channels per head; on GPUs at most 128, else Error

  constexpr int64_t width() const { return heads * channels; }
  constexpr int64_t rows() const { return sequences * tokens; }
};

// What is added to the scores; -infinity leaves a key out. With a stride of 0 an axis shares it; null: nothing is
// added.
template <class T>
struct AttentionMask {
  const T* data = nullptr;
  int64_t sequence_stride = 0, head_stride = 0, query_stride = 0, key_stride = 0;

  constexpr T At(int64_t sequence, int64_t head, int64_t query, int64_t key) const {
    return data[sequence * sequence_stride + head * head_stride + query * query_stride + key * key_stride];
  }
};

// y = softmax(q k^T / sqrt(channels) + mask) v in every head of every sequence, for T = float, double or BFloat16; 0
// for a query to which no key is left. projected [sequences, tokens, 3, heads, channels] has queries, keys and values;
// y [sequences, tokens, heads, channels]; log_sums [sequences, heads, tokens] are the logarithms of the sums of
// exponentials, which Backward needs, and infinity where no key is left. Scores are never stored. Bytes: projected and
// y once.
//
// bf16 is computed in float; on GPUs without a mask on tensor cores, with probabilities rounded to bf16 between the two
// products. So is float on GPUs, from operands rounded to bf16, where the device's Precision is kBf16, and, for heads
// of up to 64 channels, rounded to TF32, where it is kTf32. Else float is computed in single precision.
template <class Device, class T>
void AttentionForward(Device device, const AttentionShape& shape, const T* projected, T* y, SumType<T>* log_sums,
                      const AttentionMask<SumType<T>>& mask = {});

// dprojected from dy. Bytes: projected, y, dy and dprojected once.
template <class Device, class T>
void AttentionBackward(Device device, const AttentionShape& shape, const T* projected, const T* y,
                       const SumType<T>* log_sums, const T* dy, T* dprojected,
                       const AttentionMask<SumType<T>>& mask = {});

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_ATTENTION_H_
