// Attention on a GPU agrees with the host's, forward and backward: heads of every width, sequences shorter than a warp,
// of about a tile and of several, so many that a block is not full.
#include "kernels/attention.h"

#include <stdexcept>

#include "kernels/cpu/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(const AttentionShape& shape, bool all_schedules = true) {
  SCOPED_TRACE(testing::Message() << shape.sequences << " sequences of " << shape.tokens << " tokens, " << shape.heads
                                  << " heads of " << shape.channels);
  SetNumThreads(1);
  const int64_t size = shape.rows() * shape.width(), sums = shape.rows() * shape.heads;
  const std::vector<T> projected = Normal<T>(3 * size, 1), dy = Normal<T>(size, 2);
  std::vector<T> y(size), log_sums(sums), dprojected(3 * size);
  AttentionForward(Cpu(), shape, projected.data(), y.data(), log_sums.data());
  AttentionBackward(Cpu(), shape, projected.data(), y.data(), log_sums.data(), dy.data(), dprojected.data());
  const OnGpu<T> on_projected(projected), on_dy(dy);
  const double tolerance = sizeof(T) == 4 ? 5e-5 : 1e-12;
  const auto compare = [&] {
    const OnGpu<T> on_y(size), on_log_sums(sums), on_dprojected(3 * size);
    AttentionForward(Gpu(), shape, on_projected.data(), on_y.data(), on_log_sums.data());
    ExpectNear(y, on_y.Get(), tolerance, "y");
    ExpectNear(log_sums, on_log_sums.Get(), tolerance, "log_sums");
    AttentionBackward(Gpu(), shape, on_projected.data(), on_y.data(), on_log_sums.data(), on_dy.data(),
                      on_dprojected.data());
    ExpectNear(dprojected, on_dprojected.Get(), tolerance, "dprojected");
  };
  if (all_schedules)
    ForEachSchedule(compare);
  else
    compare();
}

TEST(Attention, ShortSequences) {
  CompareWithHost<float>({3, 25, 4, 16});
  CompareWithHost<double>({2, 25, 2, 16});
  CompareWithHost<float>({5, 1, 1, 1});
  CompareWithHost<float>({1, 31, 3, 6});
  CompareWithHost<double>({1, 33, 1, 3});
}

TEST(Attention, HeadsOfEveryWidth) {
  for (const int64_t channels : {4, 8, 20, 32, 64, 128}) {
    CompareWithHost<float>({1, 9, 2, channels}, /*all_schedules=*/false);
    CompareWithHost<double>({1, 9, 2, channels}, /*all_schedules=*/false);
  }
  const float* none = nullptr;
  EXPECT_THROW(
      AttentionForward(Gpu(), {1, 1, 1, 129}, none, static_cast<float*>(nullptr), static_cast<float*>(nullptr)),
      std::invalid_argument);
}

TEST(Attention, LongerSequences) {
  CompareWithHost<float>({1, 67, 1, 33});
  CompareWithHost<float>({1, 197, 1, 64}, /*all_schedules=*/false);
  CompareWithHost<double>({1, 130, 2, 5}, /*all_schedules=*/false);
  CompareWithHost<float>({0, 25, 4, 16});
}

}  // namespace
}  // namespace orbit::kernels
