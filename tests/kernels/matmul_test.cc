// Products on the host, by the general algorithm and by the one for small matrices, agree with the definition:
// transposed or not, accumulating, with a bias; on every instruction set, with the same bits on any number of threads.
#include "kernels/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <iterator>
#include <limits>
#include <vector>

#include "kernels/cpu/narrow_matmul.h"
#include "kernels/cpu/zero_skipping_matmul.h"
#include "kernels/parallel.h"
#include "tests/kernels/normal.h"
#include "tests/kernels/targets.h"

namespace orbit::kernels {
namespace {

struct Sizes {
  int64_t m, n, k;
};

// Checks c = op(a) op(b) + beta * (previous c) in a sample of rows.
template <class T>
void ExpectIsProduct(const Sizes& s, Transpose ta, Transpose tb, const std::vector<T>& a, const std::vector<T>& b,
                     const std::vector<T>& before, T beta, const std::vector<T>& c) {
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
  ExpectIsProduct(s, ta, tb, a, b, before, beta, c);
}

template <class T>
void CheckAll(const Sizes& sizes) {
  for (const Transpose ta : {Transpose::kNo, Transpose::kYes})
    for (const Transpose tb : {Transpose::kNo, Transpose::kYes})
      for (const T beta : {T(0), T(1)}) Check(sizes, ta, tb, beta);
}

// The first of all, before any threads of ours: OpenBLAS has been loaded, and left to itself would have started some.
TEST(MatMul, StartsNoThreadsOfOpenBlas) {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  EXPECT_EQ(std::distance(begin(threads), end(threads)), 1);
}

TEST(MatMul, IsTheProduct) {
  ForEachTarget([] {
    for (const Sizes& sizes : {Sizes{3, 5, 4}, {0, 3, 2}, {7, 2, 0}, {130, 70, 40}}) {
      CheckAll<float>(sizes);
      CheckAll<double>(sizes);
    }
  });
}

// Many rows times a small matrix, and A^T B with many rows and a small result, in one part or several; also sizes that
// just miss either case.
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

// The matrix has zero columns over whole ranges of rows, single zero elements, and zero rows.
template <class T>
std::vector<T> WithZeros(int64_t rows, int64_t columns) {
  std::vector<T> a = Normal<T>(rows * columns, 4);
  const std::vector<double> of_column = Normal<double>(columns, 5), of_stretch = Normal<double>(columns * rows, 6);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t p = 0; p < columns; ++p) {
      T& value = a[i * columns + p];
      const bool off = of_column[p] + of_stretch[i / 10 * columns + p] < 0 || i % 50 == 7 || i / 3 == 4;
      value = off ? T(0) : std::max(value, T(-0.5));
      if (value == T(-0.5)) value = T(0);
    }
  return a;
}

template <class T>
std::vector<T> TransposeOf(const std::vector<T>& a, int64_t rows, int64_t columns) {
  std::vector<T> transposed(a.size());
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t p = 0; p < columns; ++p) transposed[p * rows + i] = a[i * columns + p];
  return transposed;
}

template <class T>
void CheckZeroSkipping(const Sizes& s) {
  for (const Transpose ta : {Transpose::kNo, Transpose::kYes})
    for (const Transpose tb : {Transpose::kNo, Transpose::kYes}) {
      SCOPED_TRACE(testing::Message() << s.m << " x " << s.n << " x " << s.k << (ta == Transpose::kYes ? ", A^T" : "")
                                      << (tb == Transpose::kYes ? ", B^T" : ""));
      std::vector<T> a = WithZeros<T>(s.m, s.k);
      if (ta == Transpose::kYes) a = TransposeOf(a, s.m, s.k);
      const std::vector<T> b = Normal<T>(s.k * s.n, 2), bias = Normal<T>(s.n, 3);
      std::vector<T> rows(s.m * s.n);
      for (size_t i = 0; i < rows.size(); ++i) rows[i] = bias[i % s.n];
      const auto product = [&](int threads) {
        SetNumThreads(threads);
        std::vector<T> c(s.m * s.n, std::numeric_limits<T>::quiet_NaN());
        EXPECT_TRUE(ZeroSkippingMatMul<T>(ta, tb, s.m, s.n, s.k, a.data(), b.data(), bias.data(), c.data()));
        return c;
      };
      const std::vector<T> c = product(1);
      EXPECT_EQ(c, product(3));
      EXPECT_EQ(c, product(40));
      ExpectIsProduct(s, ta, tb, a, b, rows, T(1), c);
    }
}

// Incomplete groups of rows, vectors of columns, panels, and blocks of the inner dimension.
TEST(MatMul, ThatSkipsZerosIsTheProduct) {
  ForEachTarget([] {
    for (const Sizes& sizes : {Sizes{64, 512, 256}, {100, 530, 1030}, {65, 1025, 300}, {302, 514, 257}})
      CheckZeroSkipping<float>(sizes);
    CheckZeroSkipping<double>({71, 523, 1100});
  });
}

TEST(MatMul, SkipsZerosWhereItIsWorthIt) {
  const Sizes s = {96, 512, 256};
  const std::vector<float> b = Normal<float>(s.k * s.n, 2);
  std::vector<float> c(s.m * s.n);
  const auto skips = [&](const std::vector<float>& a, const Sizes& sizes) {
    return ZeroSkippingMatMul<float>(Transpose::kNo, Transpose::kNo, sizes.m, sizes.n, sizes.k, a.data(), b.data(),
                                     nullptr, c.data());
  };
  std::vector<float> a = WithZeros<float>(s.m, s.k);
  EXPECT_TRUE(skips(a, s));
  EXPECT_FALSE(skips(a, {s.m, s.n / 2, s.k}));
  EXPECT_FALSE(skips(a, {s.m / 2, s.n, s.k}));
  EXPECT_FALSE(skips(a, {s.m, s.n, s.k / 2}));
  EXPECT_FALSE(skips(Normal<float>(s.m * s.k, 1), s)) << "no zeros";
  for (size_t i = 0; i < a.size(); ++i) a[i] = (i / s.k + i % s.k) % 3 == 0 ? 0 : 1;
  EXPECT_FALSE(skips(a, s)) << "zeros that rows do not share";
}

// A zero times infinity is not zero, nor is one times NaN.
TEST(MatMul, SkipsNoZerosBesideWhatIsNotFinite) {
  const Sizes s = {96, 512, 256};
  const std::vector<float> a(s.m * s.k, 0.0f);
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> b = Normal<float>(s.k * s.n, 2), c(s.m * s.n);
    b[17 * s.n + 300] = bad;
    MatMul(Cpu(), Transpose::kNo, Transpose::kNo, s.m, s.n, s.k, a.data(), b.data(), 0.0f, c.data());
    for (int64_t i = 0; i < s.m; ++i) {
      EXPECT_TRUE(std::isnan(c[i * s.n + 300]));
      EXPECT_EQ(c[i * s.n + 301], 0.0f);
    }
  }
}

}  // namespace
}  // namespace orbit::kernels
