#include "engine/ops/attention.h"

#include "engine/dispatch.h"
#include "kernels/attention.h"

namespace orbit {

Variable ScaledDotProductAttention(const Variable& projected, int64_t heads) {
  Check(projected.rank() == 3 && heads >= 1 && projected.dim(2) % (3 * heads) == 0, "ScaledDotProductAttention with ",
        heads, " heads of ", projected.value().Describe());
  const kernels::AttentionShape shape{.sequences = projected.dim(0),
                                      .tokens = projected.dim(1),
                                      .heads = heads,
                                      .channels = projected.dim(2) / (3 * heads)};
  const Tensor x = projected.value();
  const Tensor y = Tensor::Empty({shape.sequences, shape.tokens, shape.width()}, x.dtype(), x.device());
  const Tensor log_sums = Tensor::Empty({shape.sequences, heads, shape.tokens},
                                        x.dtype() == DType::kBF16 ? DType::kF32 : x.dtype(), x.device());
  DispatchWithBF16("ScaledDotProductAttention", x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::AttentionForward(device, shape, x.data<T>(), y.data<T>(), log_sums.data<kernels::SumType<T>>());
  });
  return MakeVariable("ScaledDotProductAttention", y, {projected}, [=](const Gradients& gradients) {
    const Tensor dx = Tensor::EmptyLike(x);
    DispatchWithBF16("ScaledDotProductAttention", x, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::AttentionBackward(device, shape, x.data<T>(), y.data<T>(), log_sums.data<kernels::SumType<T>>(),
                                 gradients.output().data<T>(), dx.data<T>());
    });
    gradients.Add(0, dx);
  });
}

}  // namespace orbit
