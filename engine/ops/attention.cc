#include "engine/ops/attention.h"

#include <array>
#include <cmath>

#include "engine/dispatch.h"
#include "engine/ops/cast.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/shape.h"
#include "engine/ops/softmax.h"
#include "kernels/attention.h"

namespace orbit {
namespace {

// What a mask adds to the scores, in their dtype.
Tensor AddedTo(const Tensor& mask, DType dtype, const kernels::AttentionShape& shape, Device device) {
  const Shape scores = {shape.sequences, shape.heads, shape.tokens, shape.tokens};
  bool fits = mask.rank() <= 4 && mask.device() == device && (IsFloating(mask.dtype()) || mask.dtype() == DType::kU8);
  for (int64_t i = 1; fits && i <= mask.rank(); ++i) fits = mask.dim(-i) == 1 || mask.dim(-i) == scores[4 - i];
  Check(fits, "ScaledDotProductAttention: mask ", mask.Describe(), " for scores ", ToString(scores), " on ",
        NameOf(device));
  const Tensor values = mask.To(dtype);
  return mask.dtype() == DType::kU8 ? Log(Clamp(values, 0, 1)).value() : values;
}

template <class T>
kernels::AttentionMask<T> ToKernel(const Tensor& added) {
  if (!added.defined()) return {};
  std::array<int64_t, 4> strides{};
  int64_t stride = 1;
  for (int64_t i = 1; i <= added.rank(); ++i) {
    if (added.dim(-i) > 1) strides[4 - i] = stride;
    stride *= added.dim(-i);
  }
  return {added.data<T>(), strides[0], strides[1], strides[2], strides[3]};
}

// One operation after another, with dropout between them.
Variable AttentionWithDropout(const Variable& projected, const kernels::AttentionShape& shape, const Tensor& mask,
                              double dropout, Generator& generator) {
  const Shape split = {shape.sequences, shape.tokens, 3, shape.heads, shape.channels};
  const Variable parts = Permute(Reshape(projected, split), {2, 0, 3, 1, 4});
  const auto part = [&](int64_t i) {
    return Reshape(Slice(parts, 0, i, i + 1), {shape.sequences, shape.heads, shape.tokens, shape.channels});
  };
  const double scale = 1 / std::sqrt(static_cast<double>(shape.channels));
  Variable scores = Scale(FromBF16(MatMul(part(0), part(1), false, /*transpose_b=*/true)), scale);
  if (mask.defined()) scores = Add(scores, AddedTo(mask, scores.dtype(), shape, projected.device()));
  const Variable probabilities = Cast(Dropout(Softmax(scores, -1), dropout, generator), parts.dtype());
  return Reshape(Permute(MatMul(probabilities, part(2)), {0, 2, 1, 3}), {shape.sequences, shape.tokens, shape.width()});
}

}  // namespace

Variable ScaledDotProductAttention(const Variable& projected, int64_t heads, const Tensor& mask, double dropout,
                                   Generator* generator) {
  Check(projected.rank() == 3 && heads >= 1 && projected.dim(2) % (3 * heads) == 0, "ScaledDotProductAttention with ",
        heads, " heads of ", projected.value().Describe());
  const kernels::AttentionShape shape{.sequences = projected.dim(0),
                                      .tokens = projected.dim(1),
                                      .heads = heads,
                                      .channels = projected.dim(2) / (3 * heads)};
  if (dropout > 0) {
    Check(generator, "ScaledDotProductAttention: dropout needs a generator");
    return AttentionWithDropout(projected, shape, mask, dropout, *generator);
  }
  const Tensor x = AutocastOperand(projected);
  const DType sums = SumDType(x.dtype());
  const Tensor y = Tensor::Empty({shape.sequences, shape.tokens, shape.width()}, x.dtype(), x.device()),
               log_sums = Tensor::Empty({shape.sequences, heads, shape.tokens}, sums, x.device()),
               added = mask.defined() ? AddedTo(mask, sums, shape, x.device()) : Tensor();
  DispatchWithBF16("ScaledDotProductAttention", x, [&]<class T>(auto device, std::type_identity<T>) {
    using S = kernels::SumType<T>;
    kernels::AttentionForward(device, shape, x.data<T>(), y.data<T>(), log_sums.data<S>(), ToKernel<S>(added));
  });
  return MakeVariable("ScaledDotProductAttention", y, {projected}, [=](const Gradients& gradients) {
    const Tensor dx = Tensor::EmptyLike(x);
    DispatchWithBF16("ScaledDotProductAttention", x, [&]<class T>(auto device, std::type_identity<T>) {
      using S = kernels::SumType<T>;
      kernels::AttentionBackward(device, shape, x.data<T>(), y.data<T>(), log_sums.data<S>(),
                                 gradients.output().data<T>(), dx.data<T>(), ToKernel<S>(added));
    });
    gradients.Add(0, dx);
  });
}

}  // namespace orbit
