#include <algorithm>

#include "kernels/attention.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/transformer_layer_on_chip.h"
#include "kernels/elementwise.h"
#include "kernels/layer_norm.h"
#include "kernels/linear.h"
#include "kernels/matmul.h"
#include "kernels/transformer_layer.h"

// Small layers of floats are one kernel forward and one backward (transformer_layer_on_chip.h), which keep only h for
// Backward. Other layers run product by product: cuBLASLt adds the bias as an epilogue, or accumulates into the
// residual; attention keeps a sequence on chip; both norms and GELU are recomputed rather than kept. Bytes, in arrays
// of [rows, width] and with hidden = width: forward 27, backward 48.
namespace orbit::kernels {
namespace {

template <class T>
struct Saved {
  Saved(const TransformerLayerSizes& sizes, T* data) {
    const int64_t rows = sizes.sequences * sizes.tokens;
    const auto take = [&](int64_t columns) {
      T* array = data;
      data += DivideUp<int64_t>(rows * columns, 64) * 64;
      return array;
    };
    projected = take(3 * sizes.width);
    attended = take(sizes.width);
    middle = take(sizes.width);
    hidden = take(sizes.hidden);
    log_sums = take(sizes.heads);
    end = data;
  }

  T* projected;  // queries, keys and values
  T* attended;   // output of attention
  T* middle;     // h, after attention and the residual
  T* hidden;     // before GELU
  T* log_sums;   // log-sum-exp of attention's scores
  T* end;
};

template <class T>
int64_t SavedSize(const TransformerLayerSizes& sizes) {
  return Saved<T>(sizes, nullptr).end - static_cast<T*>(nullptr);
}

AttentionShape ShapeOf(const TransformerLayerSizes& sizes) {
  return {sizes.sequences, sizes.tokens, sizes.heads, sizes.width / sizes.heads};
}

// The gradients of y = x weight^T + bias, weight [outputs, inputs]. The gradient of the bias may be null.
template <class T>
void LinearGradients(Gpu gpu, int64_t rows, int64_t inputs, int64_t outputs, const T* x, const T* weight, const T* dy,
                     T* dx, T* dweight, T* dbias) {
  LinearWeightGradient(gpu, rows, inputs, outputs, x, dy, dweight, dbias);
  MatMul(gpu, Transpose::kNo, Transpose::kNo, rows, inputs, outputs, dy, weight, T(0), dx);
}

template <class T>
bool IsOnChip(Gpu gpu, const TransformerLayerSizes& sizes) {
  return std::is_same_v<T, float> && IsLayerOnChip(gpu, sizes);
}

}  // namespace

template <class Device>
bool TransformerLayerIsOneKernel(Device gpu, const TransformerLayerSizes& sizes) {
  return IsLayerOnChip(gpu, sizes);
}

template <class T, class Device>
int64_t TransformerLayerSavedSize(Device gpu, const TransformerLayerSizes& sizes) {
  return IsOnChip<T>(gpu, sizes) ? sizes.sequences * sizes.tokens * sizes.width : SavedSize<T>(sizes);
}

template <class Device, class T>
void TransformerLayerForward(Device gpu, const TransformerLayerSizes& sizes,
                             const TransformerLayerParameters<const T>& p, const T* x, T* y, T* saved) {
  const int64_t rows = sizes.sequences * sizes.tokens, width = sizes.width, hidden = sizes.hidden;
  if (rows * width == 0) return;
  if constexpr (std::is_same_v<T, float>)
    if (IsOnChip<T>(gpu, sizes)) return LayerForwardOnChip(gpu, sizes, p, x, y, saved);
  const T eps = static_cast<T>(sizes.eps);
  const Scratch<T> unsaved(gpu, saved ? 0 : SavedSize<T>(sizes));
  const Saved<T> s(sizes, saved ? saved : unsaved.data());
  const Scratch<T> operand(gpu, rows * width), activated(gpu, rows * hidden);
  T* a = operand.data();
  LayerNormForward(gpu, rows, width, eps, x, p.norm1_weight, p.norm1_bias, a);
  LinearForward(gpu, rows, width, 3 * width, a, p.in_proj_weight, p.in_proj_bias, s.projected);
  AttentionForward(gpu, ShapeOf(sizes), s.projected, s.attended, s.log_sums);
  LinearPlus(gpu, rows, width, width, s.attended, p.out_proj_weight, p.out_proj_bias, x, s.middle);
  LayerNormForward(gpu, rows, width, eps, s.middle, p.norm2_weight, p.norm2_bias, a);
  LinearThenGelu(gpu, rows, width, hidden, a, p.linear1_weight, p.linear1_bias, s.hidden, activated.data());
  LinearPlus(gpu, rows, hidden, width, activated.data(), p.linear2_weight, p.linear2_bias, s.middle, y);
}

template <class Device, class T>
void TransformerLayerBackward(Device gpu, const TransformerLayerSizes& sizes,
                              const TransformerLayerParameters<const T>& p, const T* x, const T* saved, const T* dy,
                              T* dx, const TransformerLayerParameters<T>& d) {
  const int64_t rows = sizes.sequences * sizes.tokens, width = sizes.width, hidden = sizes.hidden;
  if (width == 0) return;
  if constexpr (std::is_same_v<T, float>)
    if (IsOnChip<T>(gpu, sizes)) return LayerBackwardOnChip(gpu, sizes, p, x, saved, dy, dx, d);
  const T eps = static_cast<T>(sizes.eps);
  const Saved<T> s(sizes, const_cast<T*>(saved));
  const Scratch<T> operand(gpu, rows * std::max(width, hidden)), gradient(gpu, rows * std::max(width, hidden)),
      of_middle(gpu, rows * width), of_projected(gpu, rows * 3 * width);
  T *a = operand.data(), *b = gradient.data(), *dmiddle = of_middle.data(), *dprojected = of_projected.data();
  // Feed-forward block.
  UnaryForward(gpu, Unary::kGelu, rows * hidden, T(0), T(0), s.hidden, a);
  LinearWeightGradient(gpu, rows, hidden, width, a, dy, d.linear2_weight, d.linear2_bias);
  LinearOfGeluBackward(gpu, rows, hidden, width, s.hidden, p.linear2_weight, dy, b, d.linear1_bias);
  LayerNormForward(gpu, rows, width, eps, s.middle, p.norm2_weight, p.norm2_bias, a);
  LinearGradients<T>(gpu, rows, width, hidden, a, p.linear1_weight, b, dmiddle, d.linear1_weight, nullptr);
  LayerNormBackward(gpu, rows, width, eps, s.middle, p.norm2_weight, dmiddle, dy, dmiddle, d.norm2_weight,
                    d.norm2_bias);
  // Attention block.
  LinearGradients(gpu, rows, width, width, s.attended, p.out_proj_weight, dmiddle, b, d.out_proj_weight,
                  d.out_proj_bias);
  AttentionBackward(gpu, ShapeOf(sizes), s.projected, s.attended, s.log_sums, b, dprojected);
  LayerNormForward(gpu, rows, width, eps, x, p.norm1_weight, p.norm1_bias, a);
  LinearGradients(gpu, rows, width, 3 * width, a, p.in_proj_weight, dprojected, b, d.in_proj_weight, d.in_proj_bias);
  LayerNormBackward(gpu, rows, width, eps, x, p.norm1_weight, b, dmiddle, dx, d.norm1_weight, d.norm1_bias);
}

#define ORBIT_INSTANTIATE(T)                                                                                           \
  template int64_t TransformerLayerSavedSize<T>(Gpu, const TransformerLayerSizes&);                                    \
  template void TransformerLayerForward(Gpu, const TransformerLayerSizes&, const TransformerLayerParameters<const T>&, \
                                        const T*, T*, T*);                                                             \
  template void TransformerLayerBackward(Gpu, const TransformerLayerSizes&,                                            \
                                         const TransformerLayerParameters<const T>&, const T*, const T*, const T*, T*, \
                                         const TransformerLayerParameters<T>&);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE
template bool TransformerLayerIsOneKernel(Gpu, const TransformerLayerSizes&);

}  // namespace orbit::kernels
