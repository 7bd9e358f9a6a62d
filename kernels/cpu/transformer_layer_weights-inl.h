// The weights of a transformer layer, prepared for its kernel.
//
// A layer norm n = gamma * u + beta of the normalised row u and the linear layer after it are folded into one product
// with u,
//
//   s (W n + b) = W' u + b',   W' = s W diag(gamma),   b' = s (W beta + b),
//
// where s is 1 / sqrt(head width) for the queries and 1 otherwise. Let G and g be the gradients of W' and b', summed
// over all rows. Then
//
//   dW = s (G diag(gamma) + g beta^T),   db = s g,   dgamma_c = sum_o s W_oc G_oc,   dbeta_c = sum_o s W_oc g_o,
//
// so that scale and shift cost nothing per row.
#if defined(ORBIT_KERNELS_CPU_TRANSFORMER_LAYER_WEIGHTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORBIT_KERNELS_CPU_TRANSFORMER_LAYER_WEIGHTS_INL_H_
#undef ORBIT_KERNELS_CPU_TRANSFORMER_LAYER_WEIGHTS_INL_H_
#else
#define ORBIT_KERNELS_CPU_TRANSFORMER_LAYER_WEIGHTS_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/cpu/scratch.h"
#include "kernels/cpu/simd-inl.h"
#include "kernels/transformer_layer.h"

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {

// One of the layer's four linear maps, y [rows, outputs] = x [rows, inputs] W^T + b, optionally with a layer norm
// before it.
template <class T>
struct Linear {
  int64_t outputs, inputs;
  const T *weight, *bias;                                // [outputs, inputs], [outputs]
  const T *norm_weight = nullptr, *norm_bias = nullptr;  // [inputs]
  int64_t scaled = 0;                                    // the first `scaled` outputs are multiplied by `scale`
  T scale = 1;

  int64_t Size() const { return outputs * inputs + outputs; }
  T ScaleOf(int64_t output) const { return output < scaled ? scale : T(1); }

  // Writes W' [outputs, inputs] or its transpose, then b' [outputs].
  void Prepare(bool transpose, T* to) const {
    const int64_t row = transpose ? 1 : inputs, column = transpose ? outputs : 1;
    for (int64_t o = 0; o < outputs; ++o) {
      T shift = bias[o];
      for (int64_t c = 0; c < inputs; ++c) {
        const T w = weight[o * inputs + c];
        to[o * row + c * column] = ScaleOf(o) * w * (norm_weight ? norm_weight[c] : T(1));
        if (norm_bias) shift += w * norm_bias[c];
      }
      to[outputs * inputs + o] = ScaleOf(o) * shift;
    }
  }

  // Computes the parameters' gradients from those of W' and b', which `gradient` holds one after the other.
  void Finish(const T* gradient, T* dweight, T* dbias, T* dnorm_weight = nullptr, T* dnorm_bias = nullptr) const {
    const T* shift = gradient + outputs * inputs;
    if (norm_weight) {
      std::fill_n(dnorm_weight, inputs, T(0));
      std::fill_n(dnorm_bias, inputs, T(0));
    }
    for (int64_t o = 0; o < outputs; ++o) {
      const T s = ScaleOf(o);
      dbias[o] = s * shift[o];
      for (int64_t c = 0; c < inputs; ++c) {
        const int64_t i = o * inputs + c;
        if (!norm_weight) {
          dweight[i] = gradient[i];
          continue;
        }
        dweight[i] = s * (gradient[i] * norm_weight[c] + shift[o] * norm_bias[c]);
        dnorm_weight[c] += s * weight[i] * gradient[i];
        dnorm_bias[c] += s * weight[i] * shift[o];
      }
    }
  }
};

template <class T>
struct LayerProducts {
  LayerProducts(const TransformerLayerSizes& sizes, const TransformerLayerParameters<const T>& p)
      : in{3 * sizes.width,  sizes.width,
           p.in_proj_weight, p.in_proj_bias,
           p.norm1_weight,   p.norm1_bias,
           sizes.width,      T(1) / std::sqrt(static_cast<T>(sizes.width / sizes.heads))},
        out{sizes.width, sizes.width, p.out_proj_weight, p.out_proj_bias},
        first{sizes.hidden, sizes.width, p.linear1_weight, p.linear1_bias, p.norm2_weight, p.norm2_bias},
        second{sizes.width, sizes.hidden, p.linear2_weight, p.linear2_bias} {}

  int64_t Size() const { return in.Size() + out.Size() + first.Size() + second.Size(); }

  Linear<T> in, out, first, second;
};

// The W' and b' of the four linear maps, or their gradients, in one array of LayerProducts::Size elements.
template <class T>
struct PreparedWeights {
  PreparedWeights(const LayerProducts<T>& products, T* data)
      : in(data),
        out(in + products.in.Size()),
        first(out + products.out.Size()),
        second(first + products.first.Size()) {}

  T *in, *out, *first, *second;
};

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
