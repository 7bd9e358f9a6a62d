// Batch normalisation on a GPU agrees with the host, forward and backward: one row and many, channels that fill vectors
// and blocks or do not, values far from 0.
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
  // Parts of different sizes, whose moments are merged before use.
  const int64_t split = rows / 3 + 1;
  std::vector<double> moments(6 * channels), count(1), sums(2 * channels);
  std::vector<T> mean(channels), variance(channels),
      moved_mean = Normal<T>(channels, 5), moved_variance(channels, T(1)), y(x.size()), dx(x.size()), dweight(channels),
      dbias(channels);
  const std::vector<T> before = moved_mean;
  const auto statistics = [&](const T* mean, const T* variance, const double* count) {
    return BatchStatistics<T>{mean, variance, eps, training ? count : nullptr};
  };
  BatchNormMoments(Cpu(), split, channels, x.data(), moments.data());
  BatchNormMoments(Cpu(), rows - split, channels, x.data() + split * channels, &moments[3 * channels]);
  MergeMoments(Cpu(), 2, channels, moments.data(), mean.data(), variance.data(), count.data());
  EXPECT_EQ(count[0], rows);
  MoveStatistics(Cpu(), 2, channels, moments.data(), T(0.1), moved_mean.data(), moved_variance.data());
  const BatchStatistics<T> of_host = statistics(mean.data(), variance.data(), count.data());
  BatchNormForward(Cpu(), rows, channels, relu, x.data(), of_host, weight.data(), bias.data(), y.data());
  BatchNormGradientSums(Cpu(), rows, channels, relu, x.data(), y.data(), of_host, dy.data(), sums.data(),
                        dweight.data(), dbias.data());
  BatchNormBackward(Cpu(), rows, channels, relu, x.data(), y.data(), of_host, weight.data(), dy.data(), sums.data(),
                    dx.data());
  const OnGpu<T> on_x(x), on_dy(dy), on_weight(weight), on_bias(bias);
  const double tolerance = sizeof(T) == 4 ? 5e-5 * (1 + std::abs(center)) : 1e-11 * (1 + std::abs(center));
  ForEachSchedule([&] {
    const OnGpu<double> on_moments(moments.size()), on_count(1), on_sums(sums.size());
    const OnGpu<T> on_mean(channels), on_variance(channels), on_moved_mean(before),
        on_moved_variance(std::vector<T>(channels, T(1))), on_y(x.size()), on_dx(x.size()), on_dweight(channels),
        on_dbias(channels);
    BatchNormMoments(Gpu(), split, channels, on_x.data(), on_moments.data());
    BatchNormMoments(Gpu(), rows - split, channels, on_x.data() + split * channels, on_moments.data() + 3 * channels);
    MergeMoments(Gpu(), 2, channels, on_moments.data(), on_mean.data(), on_variance.data(), on_count.data());
    EXPECT_EQ(on_count.Get(), count);
    ExpectNear(mean, on_mean.Get(), tolerance, "mean");
    ExpectNear(variance, on_variance.Get(), tolerance, "variance");
    MoveStatistics(Gpu(), 2, channels, on_moments.data(), T(0.1), on_moved_mean.data(), on_moved_variance.data());
    ExpectNear(moved_mean, on_moved_mean.Get(), tolerance, "running mean");
    ExpectNear(moved_variance, on_moved_variance.Get(), tolerance, "running variance");
    // Uses the same statistics, so that the ReLU cuts at the same places.
    const OnGpu<T> same_mean(mean), same_variance(variance), same_y(y);
    const BatchStatistics<T> of_gpu = statistics(same_mean.data(), same_variance.data(), on_count.data());
    BatchNormForward(Gpu(), rows, channels, relu, on_x.data(), of_gpu, on_weight.data(), on_bias.data(), on_y.data());
    ExpectNear(y, on_y.Get(), tolerance, "y");
    BatchNormGradientSums(Gpu(), rows, channels, relu, on_x.data(), same_y.data(), of_gpu, on_dy.data(), on_sums.data(),
                          on_dweight.data(), on_dbias.data());
    BatchNormBackward(Gpu(), rows, channels, relu, on_x.data(), same_y.data(), of_gpu, on_weight.data(), on_dy.data(),
                      on_sums.data(), on_dx.data());
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
