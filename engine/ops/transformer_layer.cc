#include "engine/ops/transformer_layer.h"

#include <array>
#include <vector>

#include "engine/dispatch.h"
#include "engine/ops/attention.h"
#include "engine/ops/cast.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/normalization.h"
#include "kernels/transformer_layer.h"

namespace orbit {
namespace {

constexpr size_t kParameters = 12;

// The parameters in the order of kernels::TransformerLayerParameters.
std::array<Variable, kParameters> InOrder(const TransformerLayerParameters& p) {
  return {p.in_proj_weight, p.in_proj_bias, p.out_proj_weight, p.out_proj_bias, p.linear1_weight, p.linear1_bias,
          p.linear2_weight, p.linear2_bias, p.norm1_weight,    p.norm1_bias,    p.norm2_weight,   p.norm2_bias};
}

template <class T>
kernels::TransformerLayerParameters<T> Pointers(const std::array<Tensor, kParameters>& t) {
  using U = std::remove_const_t<T>;
  return {t[0].data<U>(), t[1].data<U>(), t[2].data<U>(), t[3].data<U>(), t[4].data<U>(),  t[5].data<U>(),
          t[6].data<U>(), t[7].data<U>(), t[8].data<U>(), t[9].data<U>(), t[10].data<U>(), t[11].data<U>()};
}

// As one operation, of f32 or f64.
Variable Fused(const Variable& x, const kernels::TransformerLayerSizes& sizes,
               const std::array<Variable, kParameters>& parameters) {
  std::vector<Variable> inputs = {x};
  std::array<Tensor, kParameters> weights;
  for (size_t i = 0; i < kParameters; ++i) {
    weights[i] = parameters[i].value();
    inputs.push_back(parameters[i]);
  }
  Tensor y = Tensor::EmptyLike(x.value()), saved;
  Dispatch("TransformerEncoderLayer", y, [&]<class T>(auto device, std::type_identity<T>) {
    if (GradientsWanted(inputs))
      saved = Tensor::Empty({kernels::TransformerLayerSavedSize<T>(device, sizes)}, x.dtype(), x.device());
    kernels::TransformerLayerForward(device, sizes, Pointers<const T>(weights), x.value().data<T>(), y.data<T>(),
                                     saved.data_or_null<T>());
  });
  return MakeVariable("TransformerEncoderLayer", y, std::move(inputs),
                      [sizes, weights, saved, x = x.value()](const Gradients& gradients) {
                        Tensor dx = Tensor::EmptyLike(x);
                        std::array<Tensor, kParameters> dweights;
                        for (size_t i = 0; i < kParameters; ++i) dweights[i] = Tensor::EmptyLike(weights[i]);
                        Dispatch("TransformerEncoderLayer", x, [&]<class T>(auto device, std::type_identity<T>) {
                          kernels::TransformerLayerBackward(device, sizes, Pointers<const T>(weights), x.data<T>(),
                                                            saved.data<T>(), gradients.output().data<T>(), dx.data<T>(),
                                                            Pointers<T>(dweights));
                        });
                        gradients.Add(0, dx);
                        for (size_t i = 0; i < kParameters; ++i) gradients.Add(i + 1, dweights[i]);
                      });
}

// One operation after another.
Variable Composed(const Variable& x, const TransformerLayerParameters& p, int64_t heads, double eps, const Tensor& mask,
                  double dropout, Generator* generator) {
  const auto drop = [&](const Variable& y) { return dropout > 0 ? Dropout(y, dropout, *generator) : y; };
  // The end of a residual branch.
  const auto plus = [&](const Variable& start, const Variable& y, const Variable& weight, const Variable& bias) {
    return dropout > 0 ? Add(start, drop(Linear(y, weight, bias))) : LinearPlus(start, y, weight, bias);
  };
  const Variable projected = Linear(LayerNorm(x, p.norm1_weight, p.norm1_bias, eps), p.in_proj_weight, p.in_proj_bias);
  const Variable attended = ScaledDotProductAttention(projected, heads, mask, dropout, generator);
  const Variable h = plus(x, attended, p.out_proj_weight, p.out_proj_bias);
  const Variable hidden =
      drop(Gelu(Linear(LayerNorm(h, p.norm2_weight, p.norm2_bias, eps), p.linear1_weight, p.linear1_bias)));
  return plus(h, hidden, p.linear2_weight, p.linear2_bias);
}

// Whether the layer in f32 takes the place of one in bf16.
bool IsOneKernel(Device device, const kernels::TransformerLayerSizes& sizes) {
  bool is_one = false;
  DispatchDevice("TransformerEncoderLayer", device,
                 [&](auto tag) { is_one = kernels::TransformerLayerIsOneKernel(tag, sizes); });
  return is_one;
}

// Whether the weights are too large for the host to have the layer in one pass, as they do not stay in its cache then.
bool IsTooLarge(Device device, const kernels::TransformerLayerSizes& sizes) {
  constexpr int64_t kMostWeights = 1 << 19;
  return device.type == DeviceType::kCpu && sizes.width * (4 * sizes.width + 2 * sizes.hidden) > kMostWeights;
}

}  // namespace

Variable TransformerEncoderLayer(const Variable& x, const TransformerLayerParameters& parameters, int64_t heads,
                                 double eps, const Tensor& mask, double dropout, Generator* generator) {
  Check(x.rank() == 3 && heads >= 1 && x.dim(2) % heads == 0, "TransformerEncoderLayer with ", heads, " heads of ",
        x.value().Describe());
  Check(dropout >= 0 && dropout < 1 && (dropout == 0 || generator), "TransformerEncoderLayer: dropout of ", dropout,
        generator ? "" : " without a generator");
  const int64_t width = x.dim(2), hidden = parameters.linear1_weight.dim(0);
  const std::array<Shape, kParameters> shapes = {{{3 * width, width},
                                                  {3 * width},
                                                  {width, width},
                                                  {width},
                                                  {hidden, width},
                                                  {hidden},
                                                  {width, hidden},
                                                  {width},
                                                  {width},
                                                  {width},
                                                  {width},
                                                  {width}}};
  const std::array<Variable, kParameters> in_order = InOrder(parameters);
  for (size_t i = 0; i < kParameters; ++i)
    Check(in_order[i].shape() == shapes[i] && in_order[i].dtype() == in_order[0].dtype() &&
              Serves(in_order[i], x.dtype()),
          "TransformerEncoderLayer of ", x.value().Describe(), ": parameter ", i, " is ",
          in_order[i].value().Describe(), ", expected ", ToString(shapes[i]));
  const kernels::TransformerLayerSizes sizes = {
      .sequences = x.dim(0), .tokens = x.dim(1), .width = width, .heads = heads, .hidden = hidden, .eps = eps};
  const DType dtype = in_order[0].dtype();
  const bool in_bf16 = x.dtype() == DType::kBF16 || (dtype == DType::kF32 && Autocast::current() == Precision::kBf16);
  const bool fused = !mask.defined() && dropout == 0 && !IsTooLarge(x.device(), sizes) &&
                     (!in_bf16 || (dtype == DType::kF32 && IsOneKernel(x.device(), sizes)));
  return fused ? Fused(Cast(x, dtype), sizes, in_order) : Composed(x, parameters, heads, eps, mask, dropout, generator);
}

}  // namespace orbit
