#include "engine/ops/transformer_layer.h"

#include <array>
#include <vector>

#include "engine/dispatch.h"
#include "kernels/transformer_layer.h"

namespace orbit {
namespace {

constexpr size_t kParameters = 12;

// In the order of kernels::TransformerLayerParameters.
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

}  // namespace

Variable TransformerEncoderLayer(const Variable& x, const TransformerLayerParameters& parameters, int64_t heads,
                                 double eps) {
  Check(x.rank() == 3 && heads >= 1 && x.dim(2) % heads == 0, "TransformerEncoderLayer with ", heads, " heads of ",
        x.value().Describe());
  const int64_t width = x.dim(2), hidden = parameters.linear1_weight.dim(0);
  const kernels::TransformerLayerSizes sizes{
      .sequences = x.dim(0), .tokens = x.dim(1), .width = width, .heads = heads, .hidden = hidden, .eps = eps};
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
  std::vector<Variable> inputs = {x};
  std::array<Tensor, kParameters> weights;
  const std::array<Variable, kParameters> in_order = InOrder(parameters);
  for (size_t i = 0; i < kParameters; ++i) {
    weights[i] = in_order[i].value();
    Check(weights[i].shape() == shapes[i] && weights[i].dtype() == x.dtype(), "TransformerEncoderLayer of ",
          x.value().Describe(), ": parameter ", i, " is ", weights[i].Describe(), ", expected ", ToString(shapes[i]));
    inputs.push_back(in_order[i]);
  }
  Tensor y = Tensor::EmptyLike(x.value()), saved;
  Dispatch("TransformerEncoderLayer", y, [&]<class T>(auto device, std::type_identity<T>) {
    if (GradientsWanted(inputs))
      saved = Tensor::Empty({kernels::TransformerLayerSavedSize<T>(device, sizes)}, x.dtype(), x.device());
    kernels::TransformerLayerForward(device, sizes, Pointers<const T>(weights), x.value().data<T>(), y.data<T>(),
                                     saved.defined() ? saved.data<T>() : nullptr);
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

}  // namespace orbit
