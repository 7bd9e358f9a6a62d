// Permutations on a GPU agree with the host: both orders, both directions, gradients of x and of the permutation, for
// matrices smaller and larger than a tile, and for more samples than are processed at once.
#include "kernels/permute.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#include "kernels/error.h"
#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

std::vector<int32_t> Permutations(int64_t rows, int64_t n, int seed) {
  std::mt19937_64 random(seed);
  std::vector<int32_t> index;
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<int32_t> nodes(n);
    std::iota(nodes.begin(), nodes.end(), 0);
    std::shuffle(nodes.begin(), nodes.end(), random);
    index.insert(index.end(), nodes.begin(), nodes.end());
  }
  return index;
}

template <class T>
void CompareWithHost(int order, int64_t batch, int64_t repeat, int64_t n, int64_t channels, bool product = true) {
  SetNumThreads(1);
  const int64_t rows = batch * repeat, size = (order == 1 ? n : n * n) * channels;
  const double tolerance = sizeof(T) == 4 ? 1e-4 : 1e-12;
  const std::vector<int32_t> index = Permutations(rows, n, 1);
  const std::vector<T> x = Normal<T>(batch * size, 2), dy = Normal<T>(rows * size, 3),
                       before = Normal<T>(rows * n * n, 4);
  const OnGpu<int32_t> on_index(index);
  const OnGpu<T> on_x(x), on_dy(dy);
  for (const bool transpose : {false, true}) {
    SCOPED_TRACE(testing::Message() << "order " << order << ", " << batch << " times " << repeat << " rows, n " << n
                                    << ", channels " << channels << (transpose ? ", transposed" : ""));
    std::vector<T> y(rows * size), dx(batch * size), dsoft(rows * n * n), more = before;
    Permute(Cpu(), order, rows, repeat, n, channels, transpose, index.data(), x.data(), y.data());
    PermuteBackward(Cpu(), order, rows, repeat, n, channels, transpose, index.data(), dy.data(), dx.data());
    if (product) {
      PermuteStraightThrough(Cpu(), order, rows, repeat, n, channels, transpose, index.data(), x.data(), dy.data(),
                             T(0), dsoft.data());
      PermuteStraightThrough(Cpu(), order, rows, repeat, n, channels, transpose, index.data(), x.data(), dy.data(),
                             T(1), more.data());
    }
    ForEachSchedule([&] {
      const OnGpu<T> on_y(rows * size), on_dx(batch * size), on_dsoft(rows * n * n), on_more(before);
      Permute(Gpu(), order, rows, repeat, n, channels, transpose, on_index.data(), on_x.data(), on_y.data());
      ExpectNear(y, on_y.Get(), 0, "y");
      PermuteBackward(Gpu(), order, rows, repeat, n, channels, transpose, on_index.data(), on_dy.data(), on_dx.data());
      ExpectNear(dx, on_dx.Get(), 0, "dx");
      if (!product) return;
      PermuteStraightThrough(Gpu(), order, rows, repeat, n, channels, transpose, on_index.data(), on_x.data(),
                             on_dy.data(), T(0), on_dsoft.data());
      ExpectNear(dsoft, on_dsoft.Get(), tolerance, "dsoft");
      PermuteStraightThrough(Gpu(), order, rows, repeat, n, channels, transpose, on_index.data(), on_x.data(),
                             on_dy.data(), T(1), on_more.data());
      ExpectNear(more, on_more.Get(), tolerance, "more dsoft");
    });
  }
}

TEST(Permute, FeaturesOfNodes) {
  for (const int64_t n : {1, 5, 31, 33})
    for (const int64_t channels : {1, 3, 4, 18}) CompareWithHost<float>(1, 2, 3, n, channels);
  CompareWithHost<double>(1, 2, 1, 8, 4);
  CompareWithHost<double>(1, 1, 2, 70, 1);
}

TEST(Permute, FeaturesOfPairs) {
  for (const int64_t n : {1, 5, 8, 15, 31, 33}) CompareWithHost<float>(2, 2, 2, n, 1);
  for (const int64_t channels : {2, 3, 4, 8}) CompareWithHost<float>(2, 1, 2, 9, channels);
  CompareWithHost<double>(2, 1, 2, 34, 1);
  CompareWithHost<double>(2, 2, 1, 5, 2);
}

TEST(Permute, MatricesOfManyTilesAndLinesOfManyChunks) {
  CompareWithHost<float>(2, 1, 1, 68, 1);
  CompareWithHost<float>(2, 1, 1, 20, 27, /*product=*/false);
}

TEST(Permute, MoreSamplesThanAreTakenAtOnce) { CompareWithHost<float>(1, 1, 300, 65, 1, /*product=*/false); }

TEST(Permute, TakesNothing) {
  CompareWithHost<float>(2, 0, 3, 5, 2);
  CompareWithHost<float>(1, 2, 3, 0, 2);
  CompareWithHost<float>(1, 1, 2, 4, 0);
  EXPECT_THROW((Permute<Gpu, float>(Gpu(), 3, 1, 1, 1, 1, true, nullptr, nullptr, nullptr)), Error);
}

template <class T>
void CompareDiagonalWithHost(int64_t rows, int64_t n, int64_t channels) {
  SCOPED_TRACE(testing::Message() << rows << " rows, n " << n << ", channels " << channels);
  SetNumThreads(1);
  const std::vector<int32_t> index = Permutations(rows, n, 1);
  const std::vector<T> x = Normal<T>(rows * n * n * channels, 2), dy = Normal<T>(rows * n * channels, 3);
  std::vector<T> dsoft(rows * n * n);
  PermuteDiagonalStraightThrough(Cpu(), rows, n, channels, index.data(), x.data(), dy.data(), dsoft.data());
  const OnGpu<int32_t> on_index(index);
  const OnGpu<T> on_x(x), on_dy(dy);
  ForEachSchedule([&] {
    const OnGpu<T> on_dsoft(dsoft.size());
    PermuteDiagonalStraightThrough(Gpu(), rows, n, channels, on_index.data(), on_x.data(), on_dy.data(),
                                   on_dsoft.data());
    ExpectNear(dsoft, on_dsoft.Get(), sizeof(T) == 4 ? 1e-5 : 1e-13, "dsoft");
  });
}

TEST(PermuteDiagonalStraightThrough, AgreesWithTheHost) {
  for (const int64_t n : {1, 31, 33}) CompareDiagonalWithHost<float>(2, n, 2);
  CompareDiagonalWithHost<double>(1, 40, 1);
  CompareDiagonalWithHost<float>(2, 5, 0);
  CompareDiagonalWithHost<float>(0, 3, 1);
  CompareDiagonalWithHost<float>(1, 0, 1);
}

TEST(InvertPermutations, GivesEveryNodesRank) {
  const OnGpu<int32_t> index(std::vector<int32_t>{2, 0, 1, 0, 1, 2}), ranks(6);
  InvertPermutations(Gpu(), 2, 3, index.data(), ranks.data());
  EXPECT_EQ(ranks.Get(), (std::vector<int32_t>{1, 2, 0, 0, 1, 2}));
}

}  // namespace
}  // namespace orbit::kernels
