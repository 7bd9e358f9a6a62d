// Max pooling of vectors on a GPU equals the host's, forward and backward. Values are small integers, so that both find
// the same maxima.
#include "kernels/vector_max_pool.h"

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(int64_t sets, int64_t m, int64_t channels) {
  SCOPED_TRACE(testing::Message() << sets << " sets of " << m << ", " << channels << " channels");
  SetNumThreads(1);
  std::mt19937_64 random(1);
  std::vector<T> x(sets * m * 3 * channels), direction(x.size());
  for (T& value : x) value = static_cast<T>(static_cast<int>(random() % 7) - 3);
  for (T& value : direction) value = static_cast<T>(static_cast<int>(random() % 3) - 1);
  std::vector<T> y(sets * 3 * channels), dx(x.size());
  const std::vector<T> dy = Normal<T>(y.size(), 1);
  std::vector<int32_t> choice(sets * channels);
  VectorMaxPool(Cpu(), sets, m, channels, x.data(), direction.data(), y.data(), choice.data());
  VectorMaxPoolBackward(Cpu(), sets, m, channels, choice.data(), dy.data(), dx.data());
  const OnGpu<T> on_x(x), on_direction(direction), on_dy(dy), on_y(y.size()), on_dx(dx.size());
  const OnGpu<int32_t> on_choice(choice.size());
  VectorMaxPool(Gpu(), sets, m, channels, on_x.data(), on_direction.data(), on_y.data(), on_choice.data());
  VectorMaxPoolBackward(Gpu(), sets, m, channels, on_choice.data(), on_dy.data(), on_dx.data());
  EXPECT_EQ(y, on_y.Get());
  EXPECT_EQ(choice, on_choice.Get());
  EXPECT_EQ(dx, on_dx.Get());
}

TEST(VectorMaxPool, AgreesWithTheHost) {
  CompareWithHost<float>(7, 5, 21);
  CompareWithHost<double>(1, 1, 1);
  CompareWithHost<float>(3, 33, 31);
  CompareWithHost<double>(0, 5, 3);
  CompareWithHost<float>(2, 4, 0);
}

}  // namespace
}  // namespace orbit::kernels
