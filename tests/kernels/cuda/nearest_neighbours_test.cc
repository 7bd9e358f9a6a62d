// Nearest neighbours on a GPU equal the host's. Ties go to the lower number. Values are small integers, so that both
// compute distances without rounding.
#include "kernels/nearest_neighbours.h"

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(int64_t graphs, int64_t n, int64_t d, int64_t k) {
  SCOPED_TRACE(testing::Message() << graphs << " graphs of " << n << " nodes, " << d << " features, " << k);
  SetNumThreads(1);
  std::mt19937_64 random(1);
  std::vector<T> x(graphs * n * d);
  for (T& value : x) value = static_cast<T>(random() % 4);
  std::vector<int32_t> index(graphs * n * k);
  NearestNeighbours(Cpu(), graphs, n, d, k, x.data(), index.data());
  const OnGpu<T> on_x(x);
  ForEachSchedule([&] {
    const OnGpu<int32_t> on_index(index.size());
    NearestNeighbours(Gpu(), graphs, n, d, k, on_x.data(), on_index.data());
    EXPECT_EQ(index, on_index.Get());
  });
}

TEST(NearestNeighbours, AreTheHosts) {
  CompareWithHost<float>(7, 5, 6, 4);
  CompareWithHost<double>(2, 33, 3, 5);
  CompareWithHost<float>(1, 1, 2, 1);
  CompareWithHost<float>(1, 70, 1, 31);
  CompareWithHost<double>(3, 4, 0, 4);
  CompareWithHost<float>(0, 4, 2, 2);
}

}  // namespace
}  // namespace orbit::kernels
