// Batch normalisation on a GPU agrees with the host's, forward and backward: one row and many, channels that fill
// vectors and blocks and such that do not, values far from 0.
#include "kernels/batch_norm.h"

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(int64_t rows, int64_t channels, bool relu, bool training, double center = 0) {
  SCOPED_TRACE(testing::Message() << rows << " x " << channels << ", relu " << relu << ", training " << training);
  SetNumThreads(1);
  const T eps = T(1e-5);
  std::vector<T> x = Normal<T>(rows * channels, 1);
  for (T& value : x) value += T(center);
  const std::vector<T> dy = Normal<T>(rows * channels, 2), weight = Normal<T>(channels, 3),
                       bias = Normal<T>(channels, 4);
  std::vector<T> mean(channels), variance(channels),
      moved_mean = Normal<T>(channels, 5), moved_variance(channels, T(1)), y(x.size()), dx(x.size()), dweight(channels),
      dbias(channels);
  const std::vector<T> before = moved_mean;
  BatchNormStatistics(Cpu(), rows, channels, x.data(), mean.data(), variance.data());
  MoveStatistics(Cpu(), channels, T(0.1), T(1.25), mean.data(), variance.data(), moved_mean.data(),
                 moved_variance.data());
  BatchNormForward(Cpu(), rows, channels, relu, x.data(), mean.data(), variance.data(), eps, weight.data(), bias.data(),
                   y.data());
  BatchNormBackward(Cpu(), rows, channels, relu, training, x.data(), y.data(), mean.data(), variance.data(), eps,
                    weight.data(), dy.data(), dx.data(), dweight.data(), dbias.data());
  const OnGpu<T> on_x(x), on_dy(dy), on_weight(weight), on_bias(bias);
  const double tolerance = sizeof(T) == 4 ? 5e-5 * (1 + std::abs(center)) : 1e-11 * (1 + std::abs(center));
  ForEachSchedule([&] {
    const OnGpu<T> on_mean(channels), on_variance(channels), on_moved_mean(before),
        on_moved_variance(std::vector<T>(channels, T(1))), on_y(x.size()), on_dx(x.size()), on_dweight(channels),
        on_dbias(channels);
    BatchNormStatistics(Gpu(), rows, channels, on_x.data(), on_mean.data(), on_variance.data());
    ExpectNear(mean, on_mean.Get(), tolerance, "mean");
    ExpectNear(variance, on_variance.Get(), tolerance, "variance");
    MoveStatistics(Gpu(), channels, T(0.1), T(1.25), on_mean.data(), on_variance.data(), on_moved_mean.data(),
                   on_moved_variance.data());
    ExpectNear(moved_mean, on_moved_mean.Get(), tolerance, "running mean");
    ExpectNear(moved_variance, on_moved_variance.Get(), tolerance, "running variance");
    // From the same statistics, so that a ReLU cuts at the same places.
    const OnGpu<T> same_mean(mean), same_variance(variance), same_y(y);
    BatchNormForward(Gpu(), rows, channels, relu, on_x.data(), same_mean.data(), same_variance.data(), eps,
                     on_weight.data(), on_bias.data(), on_y.data());
    ExpectNear(y, on_y.Get(), tolerance, "y");
    BatchNormBackward(Gpu(), rows, channels, relu, training, on_x.data(), same_y.data(), same_mean.data(),
                      same_variance.data(), eps, on_weight.data(), on_dy.data(), on_dx.data(), on_dweight.data(),
                      on_dbias.data());
    ExpectNear(dx, on_dx.Get(), tolerance, "dx");
    ExpectNear(dweight, on_dweight.Get(), 10 * tolerance, "dweight");
    ExpectNear(dbias, on_dbias.Get(), 10 * tolerance, "dbias");
  });
}

TEST(BatchNorm, AgreesWithTheHost) {
  for (const int64_t channels : {1, 4, 31, 33, 64}) {
    CompareWithHost<float>(37, channels, channels % 2 == 0, true);
    CompareWithHost<double>(33, channels, channels % 2 == 1, false);
  }
  CompareWithHost<double>(9, 66, true, true);
}

TEST(BatchNorm, OneRowAndMoreThanTheBlocksTake) {
  CompareWithHost<double>(2, 3, false, true);
  CompareWithHost<float>(3001, 2, true, true);
}

TEST(BatchNorm, ValuesFarFromZero) {
  CompareWithHost<float>(100, 5, false, true, 1000);
  CompareWithHost<double>(100, 2, false, true, -1e6);
}

}  // namespace
}  // namespace orbit::kernels
