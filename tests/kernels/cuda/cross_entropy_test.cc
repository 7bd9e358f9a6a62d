// The cross entropy on a GPU agrees with the host's, forward and backward, with weights and without; what is no class
// gives NaN there, and throws on the host.
#include "kernels/cross_entropy.h"

#include "kernels/error.h"
#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

constexpr int64_t kIgnored = -100;

template <class T>
void CompareWithHost(int64_t rows, int64_t classes, bool weighted, double tolerance) {
  SCOPED_TRACE(testing::Message() << rows << " rows of " << classes << " classes, " << weighted);
  SetNumThreads(1);
  const std::vector<T> x = Normal<T>(rows * classes, 1), dlosses = Normal<T>(rows, 2), weight = Normal<T>(classes, 3);
  std::vector<int64_t> target(rows);
  for (int64_t r = 0; r < rows; ++r) target[r] = r % 4 == 3 ? kIgnored : r * 7 % classes;
  std::vector<T> losses(rows), dx(x.size());
  const OnGpu<T> on_x(x), on_dlosses(dlosses), on_weight(weight), on_losses(rows), on_dx(x.size());
  const OnGpu<int64_t> on_target(target);
  CrossEntropyForward(Cpu(), rows, classes, x.data(), target.data(), kIgnored, weighted ? weight.data() : nullptr,
                      losses.data());
  CrossEntropyBackward(Cpu(), rows, classes, x.data(), target.data(), kIgnored, weighted ? weight.data() : nullptr,
                       dlosses.data(), dx.data());
  ForEachSchedule([&] {
    const T* weights = weighted ? on_weight.data() : nullptr;
    CrossEntropyForward(Gpu(), rows, classes, on_x.data(), on_target.data(), kIgnored, weights, on_losses.data());
    ExpectNear(losses, on_losses.Get(), tolerance, "losses");
    CrossEntropyBackward(Gpu(), rows, classes, on_x.data(), on_target.data(), kIgnored, weights, on_dlosses.data(),
                         on_dx.data());
    ExpectNear(dx, on_dx.Get(), tolerance, "dx");
  });
}

TEST(CrossEntropy, AgreesWithTheHost) {
  for (const int64_t classes : {1, 2, 31, 70}) {
    CompareWithHost<float>(11, classes, true, 2e-6);
    CompareWithHost<float>(8, classes, false, 2e-6);
    CompareWithHost<double>(5, classes, true, 1e-14);
  }
  CompareWithHost<float>(0, 3, false, 0);
}

TEST(CrossEntropy, TargetsThatAreNoClass) {
  const std::vector<float> x = {1, 2, 3, 4};
  const std::vector<int64_t> target = {0, 2};
  std::vector<float> losses(2);
  const float* none = nullptr;
  EXPECT_THROW(CrossEntropyForward(Cpu(), 2, 2, x.data(), target.data(), kIgnored, none, losses.data()), Error);
  const OnGpu<float> on_x(x), on_losses(2);
  const OnGpu<int64_t> on_target(target);
  CrossEntropyForward(Gpu(), 2, 2, on_x.data(), on_target.data(), kIgnored, none, on_losses.data());
  EXPECT_FALSE(std::isnan(on_losses.Get()[0]));
  EXPECT_TRUE(std::isnan(on_losses.Get()[1]));
}

}  // namespace
}  // namespace orbit::kernels
