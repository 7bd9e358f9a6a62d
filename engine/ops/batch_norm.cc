#include "engine/ops/batch_norm.h"

#include "engine/dispatch.h"
#include "engine/ops/cast.h"
#include "kernels/batch_norm.h"

namespace orbit {
namespace {

// The moments, f64 [3, channels], of x as a matrix [rows, channels].
Tensor MomentsOf(const Tensor& x, int64_t rows, int64_t channels) {
  const Tensor moments = Tensor::Empty({3, channels}, DType::kF64, x.device());
  Dispatch("BatchNormMoments", x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::BatchNormMoments(device, rows, channels, x.data<const T>(), moments.data<double>());
  });
  return moments;
}

}  // namespace

Variable BatchNorm(const Variable& x, const Variable& weight, const Variable& bias, const RunningStatistics& running,
                   bool training, bool relu, double eps) {
  if (x.dtype() == DType::kBF16) return BatchNorm(FromBF16(x), weight, bias, running, training, relu, eps);
  Check(x.rank() >= 1, "BatchNorm of a scalar");
  const int64_t channels = x.dim(-1);
  const int64_t rows = channels > 0 ? x.size() / channels : 0;
  Check(weight.shape() == Shape{channels} && bias.shape() == Shape{channels} && running.mean.shape() == Shape{channels},
        "BatchNorm of ", x.value().Describe(), " with weight ", weight.value().Describe());
  Check(rows > 0, "BatchNorm of no rows: ", x.value().Describe());
  if (training) CheckRowsForStatistics("BatchNorm", rows);
  const BatchStatistics statistics = training
                                         ? StatisticsOfBatch(MomentsOf(x.value(), rows, channels), running, x.dtype())
                                         : StatisticsOfRunning(running, x.dtype());
  Tensor y = Tensor::EmptyLike(x.value());
  Dispatch("BatchNorm", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::BatchNormForward(device, rows, channels, relu, x.value().data<const T>(), statistics.data<T>(eps),
                              weight.value().data<const T>(), bias.value().data<const T>(), y.data<T>());
  });
  return MakeVariable(
      "BatchNorm", y, {x, weight, bias},
      [=, x = x.value(), weight = weight.value(), y = relu ? y : Tensor()](const Gradients& gradients) {
        const Tensor& dy = gradients.output();
        const Tensor sums = Tensor::Empty({2, channels}, DType::kF64, x.device());
        const Tensor dweight = Tensor::EmptyLike(weight), dbias = Tensor::EmptyLike(weight);
        Dispatch("BatchNorm", x, [&]<class T>(auto device, std::type_identity<T>) {
          const auto with = statistics.data<T>(eps);
          const T* results = y.data_or_null<T>();
          kernels::BatchNormGradientSums(device, rows, channels, relu, x.data<const T>(), results, with, dy.data<T>(),
                                         sums.data<double>(), dweight.data<T>(), dbias.data<T>());
          if (!gradients.Needs(0)) return;
          statistics.AddOtherRanks(sums);
          const Tensor dx = Tensor::EmptyLike(x);
          kernels::BatchNormBackward(device, rows, channels, relu, x.data<const T>(), results, with,
                                     weight.data<const T>(), dy.data<T>(), sums.data<double>(), dx.data<T>());
          gradients.Add(0, dx);
        });
        gradients.Add(1, dweight);
        gradients.Add(2, dbias);
      });
}

}  // namespace orbit
