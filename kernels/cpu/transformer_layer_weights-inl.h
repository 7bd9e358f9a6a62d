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
#include "kernels/parallel.h"
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
    ParallelFor(outputs, Grain(), [&](int64_t begin, int64_t end) {
      Scratch<T> scratch((end - begin) * inputs);
      T* block = transpose ? scratch.data() : to + begin * inputs;  // the rows of W' that begin with `begin`
      for (int64_t o = begin; o < end; ++o) {
        const T s = ScaleOf(o), *row = weight + o * inputs;
        T* scaled = block + (o - begin) * inputs;
        for (int64_t c = 0; c < inputs; ++c) scaled[c] = s * row[c] * (norm_weight ? norm_weight[c] : T(1));
        to[outputs * inputs + o] = s * (bias[o] + (norm_bias ? Dot(row, norm_bias) : T(0)));
      }
      if (!transpose) return;
      for (int64_t c = 0; c < inputs; ++c)
        for (int64_t o = begin; o < end; ++o) to[c * outputs + o] = block[(o - begin) * inputs + c];
    });
  }

  // Computes the parameters' gradients from those of W' and b', which are the sums of `chunks` gradients, `stride`
  // elements apart, each of which holds one after the other.
  void Finish(const T* gradient, int64_t chunks, int64_t stride, T* dweight, T* dbias, T* dnorm_weight = nullptr,
              T* dnorm_bias = nullptr) const {
    const int64_t blocks = NumChunks(outputs, Grain());
    Scratch<T> partial(norm_weight ? 2 * blocks * inputs : 0);
    T* partials = partial.data();  // [blocks, 2, inputs]
    ParallelFor(outputs, Grain(), [&](int64_t begin, int64_t end) {
      Scratch<T> row(inputs);
      T* sum = row.data();
      T *of_weight = partials + 2 * (begin / Grain()) * inputs, *of_bias = of_weight + inputs;
      if (norm_weight) std::fill_n(of_weight, 2 * inputs, T(0));
      for (int64_t o = begin; o < end; ++o) {
        T shift = 0;
        for (int64_t chunk = 0; chunk < chunks; ++chunk) shift += gradient[chunk * stride + outputs * inputs + o];
        Sum(gradient + o * inputs, chunks, stride, sum);
        const T s = ScaleOf(o), *w = weight + o * inputs;
        T* dw = dweight + o * inputs;
        dbias[o] = s * shift;
        if (!norm_weight) {
          std::copy_n(sum, inputs, dw);
          continue;
        }
        for (int64_t c = 0; c < inputs; ++c) {
          dw[c] = s * (sum[c] * norm_weight[c] + shift * norm_bias[c]);
          of_weight[c] += s * w[c] * sum[c];
          of_bias[c] += s * w[c] * shift;
        }
      }
    });
    if (!norm_weight) return;
    Sum(partials, blocks, 2 * inputs, dnorm_weight);
    Sum(partials + inputs, blocks, 2 * inputs, dnorm_bias);
  }

 private:
  // The outputs that are prepared, or finished, at a time.
  int64_t Grain() const { return std::max<int64_t>(16, (int64_t{1} << 14) / std::max<int64_t>(1, inputs)); }

  // sum [inputs] = the sum of `count` rows, `stride` elements apart.
  void Sum(const T* rows, int64_t count, int64_t stride, T* sum) const {
    std::fill_n(sum, inputs, T(0));
    for (int64_t i = 0; i < count; ++i)
      for (int64_t c = 0; c < inputs; ++c) sum[c] += rows[i * stride + c];
  }

  T Dot(const T* a, const T* b) const {
    const Tag<T> d;
    auto sum = hn::Zero(d);
    int64_t c = 0;
    for (; c + kLanes<T> <= inputs; c += kLanes<T>) sum = hn::MulAdd(hn::LoadU(d, a + c), hn::LoadU(d, b + c), sum);
    sum = hn::MulAdd(LoadFirst(a + c, inputs - c), LoadFirst(b + c, inputs - c), sum);
    return SumOfLanes<T>(sum);
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
