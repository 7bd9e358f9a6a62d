// A pre-norm transformer encoder layer in one pass: PyTorch's TransformerEncoderLayer with norm_first = True, exact
// GELU and no dropout,
//
//   h = x + out_proj(attention(in_proj(norm1(x)))),   y = h + linear2(gelu(linear1(norm2(h)))).
//
// On the host a few sequences at a time go through the whole layer while they stay in the cache, so there this is for
// short sequences and widths up to a few hundred. On GPUs a layer of floats on up to 32 tokens, with widths that are
// multiples of 16 up to 64 and heads of 8 or 16 channels, is one kernel each way: nothing but x, h, y and their
// gradients is ever in memory, and products are as the Precision says. Others are one product after another, with
// attention on chip.
#ifndef ORBIT_KERNELS_TRANSFORMER_LAYER_H_
#define ORBIT_KERNELS_TRANSFORMER_LAYER_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

struct TransformerLayerSizes {
  int64_t sequences, tokens;  // tokens per sequence
  int64_t width, heads;       // width must be a multiple of heads
  int64_t hidden;             // width of the feed-forward block
  double eps = 1e-5;          // of both layer norms
};

// Names and layouts are PyTorch's. T is const for parameters and not const for their gradients.
template <class T>
struct TransformerLayerParameters {
  T* in_proj_weight;   // self_attn.in_proj_weight [3 width, width]: queries, keys, values, each ordered by head
  T* in_proj_bias;     // [3 width]
  T* out_proj_weight;  // self_attn.out_proj.weight [width, width]
  T* out_proj_bias;    // [width]
  T* linear1_weight;   // [hidden, width]
  T* linear1_bias;     // [hidden]
  T* linear2_weight;   // [width, hidden]
  T* linear2_bias;     // [width]
  T* norm1_weight;     // [width]
  T* norm1_bias;
  T* norm2_weight;
  T* norm2_bias;
};

// Whether the device does a layer of floats in one kernel each way: false on the host.
template <class Device>
bool TransformerLayerIsOneKernel(Device device, const TransformerLayerSizes& sizes);

// Elements, of T, of what Forward keeps for Backward on a device.
template <class T, class Device>
int64_t TransformerLayerSavedSize(Device device, const TransformerLayerSizes& sizes);

// y [sequences, tokens, width] from x of the same shape. `saved` [TransformerLayerSavedSize] is written for Backward;
// null if there will be none.
template <class Device, class T>
void TransformerLayerForward(Device device, const TransformerLayerSizes& sizes,
                             const TransformerLayerParameters<const T>& parameters, const T* x, T* y, T* saved);

// Computes the gradients of x and of every parameter from dy, Forward's x and `saved`. All are overwritten. dx may be
// dy.
template <class Device, class T>
void TransformerLayerBackward(Device device, const TransformerLayerSizes& sizes,
                              const TransformerLayerParameters<const T>& parameters, const T* x, const T* saved,
                              const T* dy, T* dx, const TransformerLayerParameters<T>& gradients);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_TRANSFORMER_LAYER_H_
