// The diagonal of pair features on a GPU is the host's, with channels that fill vectors and that do not.
#include "kernels/diagonal.h"

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(int64_t rows, int64_t n, int64_t channels) {
  SCOPED_TRACE(testing::Message() << rows << " x " << n << " x " << channels);
  SetNumThreads(1);
  const std::vector<T> pairs = Normal<T>(rows * n * n * channels, 1), nodes = Normal<T>(rows * n * channels, 2);
  std::vector<T> diagonal(nodes.size()), embedded(pairs.size());
  Diagonal(Cpu(), rows, n, channels, pairs.data(), diagonal.data());
  DiagonalEmbed(Cpu(), rows, n, channels, nodes.data(), embedded.data());
  const OnGpu<T> on_pairs(pairs), on_nodes(nodes), on_diagonal(nodes.size()), on_embedded(pairs.size());
  Diagonal(Gpu(), rows, n, channels, on_pairs.data(), on_diagonal.data());
  DiagonalEmbed(Gpu(), rows, n, channels, on_nodes.data(), on_embedded.data());
  EXPECT_EQ(diagonal, on_diagonal.Get());
  EXPECT_EQ(embedded, on_embedded.Get());
}

TEST(Diagonal, AgreesWithTheHost) {
  for (const int64_t channels : {0, 1, 3, 4, 64})
    for (const int64_t n : {1, 5, 7}) {
      CompareWithHost<float>(3, n, channels);
      CompareWithHost<double>(2, n, channels);
    }
  CompareWithHost<float>(0, 5, 4);
  CompareWithHost<float>(2, 0, 4);
}

}  // namespace
}  // namespace orbit::kernels
