// SoftSort on a GPU agrees with the host, forward and backward: graphs of one node, of none, with more columns than a
// warp and than a block; padding, equal scores, and NaN.
#include "kernels/soft_sort.h"

#include <limits>
#include <stdexcept>
#include <vector>

#include "kernels/error.h"
#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(int64_t batch, int64_t samples, int64_t n, const std::vector<T>& scores,
                     const std::vector<int32_t>& num_nodes, double tau, int iterations) {
  SCOPED_TRACE(testing::Message() << "n " << n << ", tau " << tau << ", " << iterations << " iterations");
  SetNumThreads(1);
  const int64_t rows = batch * samples;
  const std::vector<T> dsoft = Normal<T>(rows * n * n, 7);
  std::vector<int32_t> index(rows * n);
  std::vector<T> soft(rows * n * n), dscores(rows * n);
  SoftSortProblem problem = {batch, samples, n, num_nodes.data(), tau, iterations};
  SoftSort(Cpu(), problem, scores.data(), index.data(), soft.data());
  SoftSortBackward(Cpu(), problem, scores.data(), index.data(), dsoft.data(), dscores.data());
  double scale = 1;
  for (const T value : dscores) scale = std::max(scale, std::abs(static_cast<double>(value)));
  const OnGpu<T> on_scores(scores), on_dsoft(dsoft);
  const OnGpu<int32_t> on_num_nodes(num_nodes);
  problem.num_nodes = on_num_nodes.data();
  ForEachSchedule([&] {
    const OnGpu<int32_t> on_index(rows * n);
    const OnGpu<T> on_soft(rows * n * n), on_dscores(rows * n);
    SoftSort(Gpu(), problem, on_scores.data(), on_index.data(), on_soft.data());
    EXPECT_EQ(index, on_index.Get());
    ExpectNear(soft, on_soft.Get(), sizeof(T) == 4 ? 1e-5 : 1e-12, "soft");
    SoftSortBackward(Gpu(), problem, on_scores.data(), on_index.data(), on_dsoft.data(), on_dscores.data());
    ExpectNear(dscores, on_dscores.Get(), scale * (sizeof(T) == 4 ? 1e-5 : 1e-12), "dscores");
  });
}

template <class T>
void CompareAllSizes() {
  for (const int64_t n : {1, 2, 31, 33, 70}) {
    const std::vector<int32_t> num_nodes = {static_cast<int32_t>(n), static_cast<int32_t>(n / 2), 0,
                                            static_cast<int32_t>(n - 1)};
    for (const double tau : {0.01, 0.3}) CompareWithHost(4, 2, n, Normal<T>(8 * n, 1), num_nodes, tau, 3);
  }
}

TEST(SoftSort, AgreesWithTheHostInSinglePrecision) { CompareAllSizes<float>(); }
TEST(SoftSort, AgreesWithTheHostInDoublePrecision) { CompareAllSizes<double>(); }

TEST(SoftSort, ManyIterationsAndMoreColumnsThanABlockHasThreads) {
  CompareWithHost<double>(1, 1, 270, Normal<double>(270, 2), {270}, 0.05, 20);
}

TEST(SoftSort, EqualScores) {
  std::vector<double> scores = Normal<double>(66, 3);
  for (int i = 0; i < 66; i += 3) scores[i] = 0.25;
  CompareWithHost<double>(1, 2, 33, scores, {33}, 0.1, 3);
}

TEST(SoftSort, TheOrderOfScoresThatAreNotNumbers) {
  std::vector<float> scores = {1, std::numeric_limits<float>::quiet_NaN(), 2, std::numeric_limits<float>::infinity(),
                               -1};
  const std::vector<int32_t> num_nodes = {5};
  const OnGpu<float> on_scores(scores);
  const OnGpu<int32_t> index(5);
  SoftSort<Gpu, float>(Gpu(), {1, 1, 5, nullptr, 0.1, 1}, on_scores.data(), index.data(), nullptr);
  EXPECT_EQ(index.Get(), (std::vector<int32_t>{1, 3, 2, 0, 4}));
}

TEST(SoftSort, RefusesWhatMakesNoSense) {
  const auto sort = [](double tau, int iterations) {
    SoftSort<Gpu, float>(Gpu(), {0, 1, 5, nullptr, tau, iterations}, nullptr, nullptr, nullptr);
  };
  EXPECT_THROW(sort(0, 1), Error);
  EXPECT_THROW(sort(0.1, 0), Error);
  sort(0.1, 1);
}

// A graph that fits forward is sorted, whether or not it would fit backward; a larger one is rejected.
TEST(SoftSort, TheLargestGraphs) {
  const auto forward = [](int64_t n) {
    SoftSort<Gpu, float>(Gpu(), {0, 1, n, nullptr, 0.1, 1}, nullptr, nullptr, nullptr);
  };
  const auto backward = [](int64_t n) {
    SoftSortBackward<Gpu, float>(Gpu(), {0, 1, n, nullptr, 0.1, 1}, nullptr, nullptr, nullptr, nullptr);
  };
  EXPECT_NO_THROW(forward(5000));
  EXPECT_THROW(forward(10000), Error);
  EXPECT_NO_THROW(backward(1200));
  EXPECT_THROW(backward(5000), Error);
}

}  // namespace
}  // namespace orbit::kernels
