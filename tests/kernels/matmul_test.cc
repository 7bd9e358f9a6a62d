// Products on the host, by the general way and by the one for small matrices, are those of the definition: transposed
// or not, added to what is there, with a bias; on every instruction set, and the same bits on any number of threads.
#include "kernels/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "kernels/cpu/narrow_matmul.h"
#include "kernels/cpu/parallel.h"
#include "tests/kernels/targets.h"

namespace orbit::kernels {
namespace {

template <class T>
std::vector<T> Normal(int64_t size, int seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<T> values(size);
  for (T& value : values) value = static_cast<T>(normal(random));
  return values;
}

struct Sizes {
  int64_t m, n, k;
};

template <class T>
void Check(const Sizes& s, Transpose ta, Transpose tb, T beta) {
  SCOPED_TRACE(testing::Message() << s.m << " x " << s.n << " x " << s.k << (ta == Transpose::kYes ? ", A^T" : "")
                                  << (tb == Transpose::kYes ? ", B^T" : "") << ", beta " << beta);
  const std::vector<T> a = Normal<T>(s.m * s.k, 1), b = Normal<T>(s.k * s.n, 2), before = Normal<T>(s.m * s.n, 3);
  const auto product = [&](int threads) {
    SetNumThreads(threads);
    std::vector<T> c = before;
    MatMul(Cpu(), ta, tb, s.m, s.n, s.k, a.data(), b.data(), beta, c.data());
    return c;
  };
  const std::vector<T> c = product(1);
  EXPECT_EQ(c, product(3));
  const double tolerance = (sizeof(T) == 4 ? 1e-5 : 1e-13) * std::sqrt(static_cast<double>(s.k) + 1);
  for (int64_t i = 0; i < s.m; i += i < 20 || i + 20 > s.m ? 1 : 7)
    for (int64_t j = 0; j < s.n; ++j) {
      double sum = beta * before[i * s.n + j];
      for (int64_t p = 0; p < s.k; ++p)
        sum += static_cast<double>(ta == Transpose::kYes ? a[p * s.m + i] : a[i * s.k + p]) *
               (tb == Transpose::kYes ? b[j * s.k + p] : b[p * s.n + j]);
      ASSERT_NEAR(c[i * s.n + j], sum, tolerance) << "at " << i << ", " << j;
    }
}

template <class T>
void CheckAll(const Sizes& sizes) {
  for (const Transpose ta : {Transpose::kNo, Transpose::kYes})
    for (const Transpose tb : {Transpose::kNo, Transpose::kYes})
      for (const T beta : {T(0), T(1)}) Check(sizes, ta, tb, beta);
}

TEST(MatMul, IsTheProduct) {
  ForEachTarget([] {
    for (const Sizes& sizes : {Sizes{3, 5, 4}, {0, 3, 2}, {7, 2, 0}, {130, 70, 40}}) {
      CheckAll<float>(sizes);
      CheckAll<double>(sizes);
    }
  });
}

// Many rows times a small matrix, and a small sum of many outer products, in one part or several, beside sizes that
// just miss either.
TEST(MatMul, OfSmallMatricesIsTheProduct) {
  ForEachTarget([] {
    for (const Sizes& sizes :
         {Sizes{512, 1, 1}, {777, 33, 17}, {600, 64, 64}, {513, 250, 3}, {600, 5, 0}, {520, 257, 2}})
      CheckAll<float>(sizes);
    for (const Sizes& sizes : {Sizes{1, 16, 511}, {5, 16, 512}, {13, 32, 9000}, {64, 20, 700}}) CheckAll<float>(sizes);
    for (const Sizes& sizes : {Sizes{700, 19, 8}, {9, 8, 8300}}) CheckAll<double>(sizes);
  });
}

TEST(MatMul, OfSmallMatricesAreTakenByTheirOwnWay) {
  EXPECT_TRUE(IsNarrow<float>(Transpose::kNo, Transpose::kYes, 65000, 64, 64));
  EXPECT_TRUE(IsNarrow<float>(Transpose::kYes, Transpose::kNo, 64, 64, 65000));
  EXPECT_FALSE(IsNarrow<float>(Transpose::kNo, Transpose::kYes, 1000, 4096, 2048));
  EXPECT_FALSE(IsNarrow<float>(Transpose::kYes, Transpose::kNo, 4096, 2048, 1000));
}

template <class T>
void CheckLinear(int64_t rows, int64_t in, int64_t out) {
  const std::vector<T> x = Normal<T>(rows * in, 1), weight = Normal<T>(out * in, 2), bias = Normal<T>(out, 3);
  std::vector<T> y(rows * out, T(7));
  LinearForward(Cpu(), rows, in, out, x.data(), weight.data(), bias.data(), y.data());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t o = 0; o < out; ++o) {
      double sum = bias[o];
      for (int64_t i = 0; i < in; ++i) sum += static_cast<double>(x[r * in + i]) * weight[o * in + i];
      ASSERT_NEAR(y[r * out + o], sum, sizeof(T) == 4 ? 1e-4 : 1e-12) << rows << " rows, " << in << " to " << out;
    }
}

TEST(LinearForward, AddsTheBias) {
  for (const int64_t rows : {3, 600}) {
    CheckLinear<float>(rows, 33, 35);
    CheckLinear<double>(rows, 2, 64);
  }
}

}  // namespace
}  // namespace orbit::kernels
