// The entropy of soft permutations on a GPU, and its gradient, agree with the host: matrices of one tile, of one tile
// per warp, of several, and too large for shared memory; graphs of all sizes; entries around the clamp.
#include "kernels/permutation_entropy.h"

#include <limits>
#include <random>
#include <vector>

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
std::vector<T> Soft(size_t size) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<T> soft(size);
  for (T& p : soft) {
    const double u = uniform(random);
    p = static_cast<T>(u < 0.2 ? 0 : u < 0.3 ? 1e-12 : u < 0.4 ? 1e-13 : uniform(random));
  }
  return soft;
}

template <class T>
void CompareWithHost(int64_t batch, int64_t samples, int64_t n, bool padded = true, bool all_schedules = true) {
  SCOPED_TRACE(testing::Message() << batch << " graphs, " << samples << " samples, n " << n);
  SetNumThreads(1);
  const double tolerance = sizeof(T) == 4 ? 1e-4 : 1e-12;
  const int64_t size = batch * samples * n * n;
  const std::vector<T> soft = Soft<T>(size), dentropy = {T(1.5)}, before = Normal<T>(size, 2);
  std::vector<int32_t> num_nodes;
  for (int64_t b = 0; b < batch; ++b) num_nodes.push_back(static_cast<int32_t>(b == 0 ? n : b == 1 ? 0 : n - b / 2));
  const int32_t* nodes = padded ? num_nodes.data() : nullptr;
  std::vector<T> entropy(1), dsoft(size), more = before;
  PermutationEntropy(Cpu(), batch, samples, n, soft.data(), nodes, entropy.data());
  PermutationEntropyBackward(Cpu(), batch, samples, n, soft.data(), nodes, dentropy.data(), T(0), dsoft.data());
  PermutationEntropyBackward(Cpu(), batch, samples, n, soft.data(), nodes, dentropy.data(), T(1), more.data());
  const OnGpu<T> on_soft(soft), on_dentropy(dentropy);
  const OnGpu<int32_t> on_num_nodes(num_nodes);
  const int32_t* on_nodes = padded ? on_num_nodes.data() : nullptr;
  const auto compare = [&] {
    const OnGpu<T> on_entropy(1), on_dsoft(size), on_more(before);
    PermutationEntropy(Gpu(), batch, samples, n, on_soft.data(), on_nodes, on_entropy.data());
    ExpectNear(entropy, on_entropy.Get(), tolerance, "entropy");
    PermutationEntropyBackward(Gpu(), batch, samples, n, on_soft.data(), on_nodes, on_dentropy.data(), T(0),
                               on_dsoft.data());
    ExpectNear(dsoft, on_dsoft.Get(), tolerance, "dsoft");
    PermutationEntropyBackward(Gpu(), batch, samples, n, on_soft.data(), on_nodes, on_dentropy.data(), T(1),
                               on_more.data());
    ExpectNear(more, on_more.Get(), tolerance, "more dsoft");
  };
  if (all_schedules)
    ForEachSchedule(compare);
  else
    compare();
}

TEST(PermutationEntropy, AgreesWithTheHost) {
  for (const int64_t n : {1, 2, 31, 33, 70}) {
    CompareWithHost<float>(4, 2, n);
    CompareWithHost<double>(3, 1, n);
  }
  CompareWithHost<float>(1, 3, 64, /*padded=*/false);
  CompareWithHost<float>(2, 1, 140);
}

TEST(PermutationEntropy, MatricesThatSharedMemoryDoesNotHold) {
  CompareWithHost<double>(1, 1, 170, /*padded=*/false, /*all_schedules=*/false);
}

TEST(PermutationEntropy, TakesNothing) {
  CompareWithHost<float>(0, 3, 5);
  CompareWithHost<float>(2, 3, 0);
}

TEST(PermutationEntropy, NanShows) {
  std::vector<float> soft = Soft<float>(2 * 5 * 5);
  soft[33] = std::numeric_limits<float>::quiet_NaN();
  const OnGpu<float> on_soft(soft), entropy(1), dentropy(std::vector<float>{1}), dsoft(soft.size());
  PermutationEntropy<Gpu, float>(Gpu(), 2, 1, 5, on_soft.data(), nullptr, entropy.data());
  EXPECT_TRUE(std::isnan(entropy.Get()[0]));
  PermutationEntropyBackward<Gpu, float>(Gpu(), 2, 1, 5, on_soft.data(), nullptr, dentropy.data(), 0.0f, dsoft.data());
  EXPECT_TRUE(std::isnan(dsoft.Get()[33]));
  EXPECT_FALSE(std::isnan(dsoft.Get()[0]));
}

}  // namespace
}  // namespace orbit::kernels
