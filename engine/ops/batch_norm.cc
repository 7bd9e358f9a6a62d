#include "engine/ops/batch_norm.h"

#include "engine/dispatch.h"
#include "kernels/batch_norm.h"

namespace orbit {

Variable BatchNorm(const Variable& x, const Variable& weight, const Variable& bias, const BatchStatistics& running,
                   bool training, bool relu, double eps) {
  Check(x.rank() >= 1, "BatchNorm of a scalar");
  const int64_t channels = x.dim(-1);
  const int64_t rows = channels > 0 ? x.size() / channels : 0;
  Check(weight.shape() == Shape{channels} && bias.shape() == Shape{channels} && running.mean.shape() == Shape{channels},
        "BatchNorm of ", x.value().Describe(), " with weight ", weight.value().Describe());
  Check(rows > (training ? 1 : 0), "BatchNorm ", training ? "in training " : "", "of ", rows,
        " rows: ", x.value().Describe());
  Tensor mean = running.mean, variance = running.variance;
  Tensor y = Tensor::EmptyLike(x.value());
  Dispatch("BatchNorm", x.value(), [&]<class T>(auto device, std::type_identity<T>) {
    if (training) {
      mean = Tensor::EmptyLike(running.mean);
      variance = Tensor::EmptyLike(running.variance);
      kernels::BatchNormStatistics(device, rows, channels, x.value().data<T>(), mean.data<T>(), variance.data<T>());
      kernels::MoveStatistics(device, channels, T(running.momentum), T(rows) / T(rows - 1), mean.data<T>(),
                              variance.data<T>(), running.mean.data<T>(), running.variance.data<T>());
    }
    kernels::BatchNormForward(device, rows, channels, relu, x.value().data<T>(), mean.data<T>(), variance.data<T>(),
                              T(eps), weight.value().data<T>(), bias.value().data<T>(), y.data<T>());
  });
  return MakeVariable("BatchNorm", y, {x, weight, bias},
                      [=, x = x.value(), weight = weight.value(), y = relu ? y : Tensor()](const Gradients& gradients) {
                        Tensor dx = gradients.Needs(0) ? Tensor::EmptyLike(x) : Tensor();
                        Tensor dweight = Tensor::EmptyLike(weight), dbias = Tensor::EmptyLike(weight);
                        Dispatch("BatchNorm", x, [&]<class T>(auto device, std::type_identity<T>) {
                          kernels::BatchNormBackward(
                              device, rows, channels, relu, training, x.data<T>(), y.defined() ? y.data<T>() : nullptr,
                              mean.data<T>(), variance.data<T>(), T(eps), weight.data<T>(),
                              gradients.output().data<T>(), dx.defined() ? dx.data<T>() : nullptr, dweight.data<T>(),
                              dbias.data<T>());
                        });
                        if (dx.defined()) gradients.Add(0, dx);
                        gradients.Add(1, dweight);
                        gradients.Add(2, dbias);
                      });
}

}  // namespace orbit
