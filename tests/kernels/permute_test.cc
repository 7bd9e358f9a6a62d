// Permutations by indexing agree with products with dense permutation matrices: values, gradients of the input, and the
// straight-through gradient of the matrix; the bits are the same on any number of threads.
#include "kernels/permute.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#include "kernels/error.h"
#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

template <class T>
struct Case {
  int order;
  int64_t rows, repeat, n, channels;
  bool transpose;
  std::vector<int32_t> index;
  std::vector<T> x, dy, y, dx, dsoft;

  Case(int order, int64_t batch, int64_t repeat, int64_t n, int64_t channels, bool transpose)
      : order(order), rows(batch * repeat), repeat(repeat), n(n), channels(channels), transpose(transpose) {
    std::mt19937_64 random(n * 100 + channels);
    std::normal_distribution<double> normal;
    for (int64_t row = 0; row < rows; ++row) {
      std::vector<int32_t> nodes(n);
      std::iota(nodes.begin(), nodes.end(), 0);
      std::shuffle(nodes.begin(), nodes.end(), random);
      index.insert(index.end(), nodes.begin(), nodes.end());
    }
    x.resize(batch * Size());
    dy.resize(rows * Size());
    for (T& value : x) value = static_cast<T>(normal(random));
    for (T& value : dy) value = static_cast<T>(normal(random));
  }

  int64_t Size() const { return (order == 1 ? n : n * n) * channels; }

  void Run() {
    y.assign(rows * Size(), 7);
    dx.assign(x.size(), 7);
    dsoft.assign(rows * n * n, 7);
    Permute(Cpu(), order, rows, repeat, n, channels, transpose, index.data(), x.data(), y.data());
    PermuteBackward(Cpu(), order, rows, repeat, n, channels, transpose, index.data(), dy.data(), dx.data());
    PermuteStraightThrough(Cpu(), order, rows, repeat, n, channels, transpose, index.data(), x.data(), dy.data(), T(0),
                           dsoft.data());
  }

  // The dense sum y[a, b] = sum over i, j of p(a, i) x[i, j] p(b, j) (without b and j for order 1), where p is P or its
  // transpose, and the derivatives of sum(y * dy).
  void Check(double tolerance) {
    Run();
    std::vector<double> want_dx(x.size());
    const int64_t others = order == 1 ? 1 : n;
    for (int64_t row = 0; row < rows; ++row) {
      std::vector<double> p(n * n), dp(n * n), want_y(Size());
      for (int64_t r = 0; r < n; ++r) {
        const int64_t node = index[row * n + r];
        p[transpose ? r * n + node : node * n + r] = 1;  // rows: positions of y; columns: positions of x
      }
      const T *xs = &x[row / repeat * Size()], *dys = &dy[row * Size()];
      for (int64_t a = 0; a < n; ++a)
        for (int64_t i = 0; i < n; ++i)
          for (int64_t b = 0; b < others; ++b)
            for (int64_t j = 0; j < others; ++j)
              for (int64_t c = 0; c < channels; ++c) {
                const int64_t to = (a * others + b) * channels + c, from = (i * others + j) * channels + c;
                const double first = p[a * n + i], second = order == 1 ? 1 : p[b * n + j];
                want_y[to] += first * second * xs[from];
                want_dx[row / repeat * Size() + from] += first * second * dys[to];
                dp[a * n + i] += second * xs[from] * dys[to];
                if (order == 2) dp[b * n + j] += first * xs[from] * dys[to];
              }
      for (int64_t k = 0; k < Size(); ++k) ASSERT_EQ(y[row * Size() + k], want_y[k]);
      for (int64_t i = 0; i < n; ++i)
        for (int64_t r = 0; r < n; ++r)
          ASSERT_NEAR(dsoft[(row * n + i) * n + r], dp[transpose ? r * n + i : i * n + r], tolerance);
    }
    for (size_t k = 0; k < x.size(); ++k) ASSERT_NEAR(dx[k], want_dx[k], tolerance);
  }
};

template <class T>
void CheckAll(double tolerance) {
  for (const int order : {1, 2})
    for (const bool transpose : {false, true})
      for (const int64_t n : {1, 5, 13})
        for (const int64_t channels : {1, 2, 3, 4, 5, 8})
          for (const int64_t repeat : {1, 3}) {
            SCOPED_TRACE(::testing::Message() << "order " << order << ", transpose " << transpose << ", n " << n
                                              << ", channels " << channels << ", repeat " << repeat);
            Case<T>(order, 2, repeat, n, channels, transpose).Check(tolerance);
          }
}

TEST(Permute, IsTheDenseProductInDoublePrecision) { CheckAll<double>(1e-12); }
TEST(Permute, IsTheDenseProductInSinglePrecision) { CheckAll<float>(1e-4); }

TEST(Permute, LargerGraphs) {
  for (const int64_t n : {31, 33}) {
    Case<double>(2, 1, 2, n, 2, true).Check(1e-12);
    Case<double>(2, 1, 1, n, 1, false).Check(1e-12);
    Case<double>(1, 2, 2, n, 50, true).Check(1e-12);
  }
}

TEST(Permute, StraightThroughAddsWhereAsked) {
  for (const int order : {1, 2}) {
    Case<double> c(order, 2, 2, 6, 3, true);
    c.Run();
    std::vector<double> sum(c.dsoft.size(), 5);
    PermuteStraightThrough(Cpu(), order, c.rows, c.repeat, c.n, c.channels, true, c.index.data(), c.x.data(),
                           c.dy.data(), 1.0, sum.data());
    for (size_t k = 0; k < sum.size(); ++k) EXPECT_NEAR(sum[k], 5 + c.dsoft[k], 1e-12);
  }
}

TEST(Permute, SameBitsForOneAndTwoThreads) {
  const int threads = NumThreads();
  for (const int order : {1, 2}) {
    Case<float> one(order, 30, 4, 17, 3, true), two = one;
    SetNumThreads(1);
    one.Run();
    SetNumThreads(2);
    two.Run();
    SetNumThreads(threads);
    EXPECT_EQ(one.y, two.y);
    EXPECT_EQ(one.dx, two.dx);
    EXPECT_EQ(one.dsoft, two.dsoft);
  }
}

TEST(Permute, NothingToDo) {
  for (const int order : {1, 2}) {
    Case<float>(order, 0, 2, 5, 2, true).Run();
    Case<float>(order, 2, 2, 0, 2, true).Run();
    Case<float>(order, 2, 2, 5, 0, true).Check(0);
  }
}

TEST(Permute, RefusesOtherOrders) {
  for (const int order : {0, 3}) {
    Case<float> c(1, 1, 1, 2, 1, true);
    c.order = order;
    EXPECT_THROW(c.Run(), Error);
  }
}

}  // namespace
}  // namespace orbit::kernels
