#include "engine/ops/dropout.h"

#include "engine/dispatch.h"
#include "kernels/random.h"

namespace orbit {

Variable Dropout(const Variable& x, double p, Generator& generator) {
  Check(p >= 0 && p < 1, "the probability of dropout must be in [0, 1), got ", p);
  if (p == 0) return x;
  const auto drop = [p, stream = generator.NextStream(x.device()),
                     slice = generator.SliceOf(x.shape())](const Tensor& x) {
    Tensor y = Tensor::EmptyLike(x);
    DispatchWithBF16("Dropout", x, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::Dropout(device, stream, slice, p, x.data<T>(), y.data<T>());
    });
    return y;
  };
  return MakeVariable("Dropout", drop(x.value()), {x},
                      [drop](const Gradients& gradients) { gradients.Add(0, drop(gradients.output())); });
}

}  // namespace orbit
