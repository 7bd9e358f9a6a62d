// SoftSort with log-Sinkhorn agrees with the dense n x n computation and its reverse-mode derivative, for ragged, tied,
// widely spread and degenerate scores, in double and single precision; the bits are the same on any number of threads.
#include "kernels/soft_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#include "kernels/error.h"
#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

using Matrix = std::vector<double>;

// Subtracts the log-sum-exp of every row (or column).
void Normalize(int64_t n, bool rows, Matrix& log_p) {
  const int64_t line = rows ? n : 1, step = rows ? 1 : n;
  for (int64_t a = 0; a < n; ++a) {
    double most = -std::numeric_limits<double>::infinity(), sum = 0;
    for (int64_t b = 0; b < n; ++b) most = std::max(most, log_p[a * line + b * step]);
    for (int64_t b = 0; b < n; ++b) sum += std::exp(log_p[a * line + b * step] - most);
    for (int64_t b = 0; b < n; ++b) log_p[a * line + b * step] -= most + std::log(sum);
  }
}

struct Dense {
  std::vector<int32_t> index;
  Matrix soft, gradient;
};

// For one graph of n nodes: the soft permutation [n, n], and the gradient of sum(dsoft * soft) with respect to the
// scores.
Dense DenseSoftSort(const std::vector<double>& scores, double tau, int iterations, const Matrix& dsoft) {
  const int64_t n = scores.size();
  Dense dense;
  dense.index.resize(n);
  std::iota(dense.index.begin(), dense.index.end(), 0);
  std::stable_sort(dense.index.begin(), dense.index.end(), [&](int a, int b) { return scores[a] > scores[b]; });
  std::vector<Matrix> steps(1, Matrix(n * n));
  for (int64_t i = 0; i < n; ++i)
    for (int64_t r = 0; r < n; ++r) steps[0][i * n + r] = -std::abs(scores[i] - scores[dense.index[r]]) / tau;
  for (int h = 0; h < 2 * iterations; ++h) {
    steps.push_back(steps.back());
    Normalize(n, h % 2 == 0, steps.back());
  }
  dense.soft = steps.back();
  for (double& p : dense.soft) p = std::exp(p);
  Matrix d(n * n);
  for (int64_t k = 0; k < n * n; ++k) d[k] = dsoft[k] * dense.soft[k];
  for (int h = 2 * iterations - 1; h >= 0; --h) {
    const bool rows = h % 2 == 0;
    const int64_t line = rows ? n : 1, step = rows ? 1 : n;
    for (int64_t a = 0; a < n; ++a) {
      double sum = 0;
      for (int64_t b = 0; b < n; ++b) sum += d[a * line + b * step];
      for (int64_t b = 0; b < n; ++b) d[a * line + b * step] -= sum * std::exp(steps[h + 1][a * line + b * step]);
    }
  }
  dense.gradient.assign(n, 0);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t r = 0; r < n; ++r) {
      const double difference = scores[i] - scores[dense.index[r]];
      const double slope = -d[i * n + r] / tau * ((difference > 0) - (difference < 0));
      dense.gradient[i] += slope;
      dense.gradient[dense.index[r]] -= slope;
    }
  return dense;
}

template <class T>
struct Case {
  struct {
    int64_t batch, samples, n;
  } shape;
  std::vector<T> scores, dsoft;
  std::vector<int32_t> num_nodes;
  double tau = 0.01;
  int iterations = 20;

  std::vector<int32_t> index;
  std::vector<T> soft, dscores;

  Case(int64_t batch, int64_t samples, int64_t n, int seed) : shape{batch, samples, n} {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    scores.resize(batch * samples * n);
    for (int64_t row = 0; row < batch * samples; ++row) {
      double sum = 0;
      std::vector<double> raw(n);
      for (double& x : raw) {
        x = normal(random);
        sum += x * x;
      }
      for (int64_t i = 0; i < n; ++i) scores[row * n + i] = static_cast<T>(raw[i] / std::sqrt(sum));
    }
    dsoft.resize(scores.size() * n);
    for (T& x : dsoft) x = static_cast<T>(normal(random));
    std::uniform_int_distribution<int32_t> size(0, static_cast<int32_t>(n));
    for (int64_t b = 0; b < batch; ++b) num_nodes.push_back(b == 0 ? static_cast<int32_t>(n) : size(random));
  }

  SoftSortProblem Problem() const { return {shape.batch, shape.samples, shape.n, num_nodes.data(), tau, iterations}; }

  void Run() {
    const T garbage = static_cast<T>(7);
    index.assign(scores.size(), -1);
    soft.assign(dsoft.size(), garbage);
    dscores.assign(scores.size(), garbage);
    SoftSort(Cpu(), Problem(), scores.data(), index.data(), soft.data());
    SoftSortBackward(Cpu(), Problem(), scores.data(), index.data(), dsoft.data(), dscores.data());
  }

  // Runs SoftSort and compares every matrix and gradient in the l2 norm, relative to the true norm.
  void Check(double tolerance) {
    Run();
    const int64_t n = shape.n;
    for (int64_t row = 0; row < shape.batch * shape.samples; ++row) {
      SCOPED_TRACE(::testing::Message() << "row " << row << " of n " << n << ", tau " << tau);
      const int64_t m = num_nodes[row / shape.samples];
      Matrix d(m * m);
      for (int64_t i = 0; i < m; ++i)
        for (int64_t r = 0; r < m; ++r) d[i * m + r] = dsoft[row * n * n + i * n + r];
      const Dense dense = DenseSoftSort({scores.begin() + row * n, scores.begin() + row * n + m}, tau, iterations, d);
      double soft_error = 0, soft_norm = 0, error = 0, norm = 0;
      for (int64_t i = 0; i < n; ++i) {
        ASSERT_EQ(index[row * n + i], i < m ? dense.index[i] : i);
        for (int64_t r = 0; r < n; ++r) {
          const double got = soft[(row * n + i) * n + r];
          if (i >= m || r >= m) {
            ASSERT_EQ(got, 0);
          } else {
            soft_error += std::pow(got - dense.soft[i * m + r], 2);
            soft_norm += std::pow(dense.soft[i * m + r], 2);
          }
        }
        const double got = dscores[row * n + i];
        if (i >= m) {
          ASSERT_EQ(got, 0);
        } else {
          error += std::pow(got - dense.gradient[i], 2);
          norm += std::pow(dense.gradient[i], 2);
        }
      }
      EXPECT_LE(std::sqrt(soft_error), tolerance * std::sqrt(soft_norm));
      // Gradients smaller than the rounding of their terms, which have size 1 / tau, are compared absolutely.
      EXPECT_LE(std::sqrt(error), tolerance * std::max(std::sqrt(norm), 1 / tau));
      if (norm > 1 / (tau * tau)) worst = std::max(worst, std::sqrt(error / norm));
    }
    RecordProperty("worst_gradient_error", std::to_string(worst));
  }
  double worst = 0;

 private:
  static void RecordProperty(const char* key, const std::string& value) { ::testing::Test::RecordProperty(key, value); }
};

TEST(SoftSort, AgreesWithTheDenseComputationInDoublePrecision) {
  for (const int64_t n : {1, 2, 3, 5, 31, 33, 64, 100})
    for (const double tau : {1.0, 0.1, 0.01}) {
      Case<double> c(7, 3, n, static_cast<int>(n));
      c.tau = tau;
      c.Check(1e-12);
    }
}

TEST(SoftSort, AgreesWithTheDenseComputationInSinglePrecision) {
  for (const int64_t n : {1, 5, 31, 188})
    for (const double tau : {0.1, 0.01}) {
      Case<float> c(3, 2, n, static_cast<int>(n));
      c.tau = tau;
      c.Check(2e-6);
    }
}

TEST(SoftSort, AnyNumberOfIterations) {
  for (const int iterations : {1, 2, 7}) {
    Case<double> c(5, 1, 12, iterations);
    c.iterations = iterations;
    c.Check(1e-12);
  }
}

TEST(SoftSort, EqualScoresKeepTheirOrderAndTheirPairsHaveNoGradient) {
  Case<double> some(4, 3, 17, 1), all(4, 3, 17, 2);
  for (size_t k = 0; k < some.scores.size(); ++k) some.scores[k] = std::round(some.scores[k] * 10) / 10;
  std::fill(all.scores.begin(), all.scores.end(), 0.25);
  for (const double tau : {0.1, 0.01}) {
    some.tau = all.tau = tau;
    some.Check(1e-12);
    all.Check(1e-12);
  }
}

TEST(SoftSort, GapsFarBeyondTheRangeOfTheExponential) {
  for (const double tau : {1e-4, 1e-3}) {
    Case<double> c(6, 2, 40, 3);
    c.tau = tau;
    c.Check(1e-12);
    Case<float> f(6, 2, 40, 3);
    f.tau = tau;
    f.Check(2e-6);
  }
  Case<double> clusters(3, 1, 30, 4);
  for (size_t k = 0; k < clusters.scores.size(); ++k) clusters.scores[k] = 0.01 * clusters.scores[k] + (k % 3) * 9.0;
  clusters.Check(1e-12);
}

TEST(SoftSort, DoesNotReadBeyondTheNodes) {
  Case<double> clean(5, 2, 9, 5);
  clean.Run();
  Case<double> dirty = clean;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (int64_t row = 0; row < 10; ++row)
    for (int64_t i = 0; i < 9; ++i) {
      const int64_t m = dirty.num_nodes[row / 2];
      if (i >= m) dirty.scores[row * 9 + i] = nan;
      for (int64_t r = 0; r < 9; ++r)
        if (i >= m || r >= m) dirty.dsoft[(row * 9 + i) * 9 + r] = nan;
    }
  dirty.Run();
  EXPECT_EQ(dirty.index, clean.index);
  EXPECT_EQ(dirty.soft, clean.soft);
  EXPECT_EQ(dirty.dscores, clean.dscores);
}

TEST(SoftSort, NanScoresStillGiveAPermutationAndShowInTheResult) {
  Case<float> c(1, 1, 11, 6);
  c.scores[4] = c.scores[7] = std::numeric_limits<float>::quiet_NaN();
  c.Run();
  EXPECT_EQ(c.index[0], 4);
  EXPECT_EQ(c.index[1], 7);
  std::sort(c.index.begin(), c.index.end());
  for (int32_t i = 0; i < 11; ++i) EXPECT_EQ(c.index[i], i);
  EXPECT_TRUE(std::isnan(std::accumulate(c.soft.begin(), c.soft.end(), 0.f)));
  EXPECT_TRUE(std::isnan(std::accumulate(c.dscores.begin(), c.dscores.end(), 0.f)));
}

TEST(SoftSort, WithoutSizesOrMatrixOnlySorts) {
  Case<float> c(2, 3, 20, 7);
  c.num_nodes.assign(2, 20);
  c.Run();
  std::vector<int32_t> index(c.index.size());
  SoftSortProblem problem = c.Problem();
  problem.num_nodes = nullptr;
  SoftSort<Cpu, float>(Cpu(), problem, c.scores.data(), index.data(), nullptr);
  EXPECT_EQ(index, c.index);
}

TEST(SoftSort, SameBitsForOneAndTwoThreadsAndInAnyCompany) {
  const int threads = NumThreads();
  Case<float> one(40, 3, 33, 8), two = one;
  SetNumThreads(1);
  one.Run();
  SetNumThreads(2);
  two.Run();
  SetNumThreads(threads);
  EXPECT_EQ(one.index, two.index);
  EXPECT_EQ(one.soft, two.soft);
  EXPECT_EQ(one.dscores, two.dscores);

  const int64_t n = 33, row = 52;  // alone, a score vector gives the bits it gives among others
  std::vector<int32_t> index(n);
  std::vector<float> soft(n * n), dscores(n);
  const SoftSortProblem problem{1, 1, n, &one.num_nodes[row / 3], one.tau, 20};
  SoftSort(Cpu(), problem, &one.scores[row * n], index.data(), soft.data());
  SoftSortBackward(Cpu(), problem, &one.scores[row * n], index.data(), &one.dsoft[row * n * n], dscores.data());
  EXPECT_TRUE(std::equal(soft.begin(), soft.end(), one.soft.begin() + row * n * n));
  EXPECT_TRUE(std::equal(dscores.begin(), dscores.end(), one.dscores.begin() + row * n));
}

TEST(SoftSort, EmptyInputs) {
  SoftSort<Cpu, float>(Cpu(), {0, 4, 3, nullptr, 0.1, 20}, nullptr, nullptr, nullptr);
  SoftSort<Cpu, float>(Cpu(), {2, 2, 0, nullptr, 0.1, 20}, nullptr, nullptr, nullptr);
  SoftSortBackward<Cpu, float>(Cpu(), {2, 0, 5, nullptr, 0.1, 20}, nullptr, nullptr, nullptr, nullptr);
}

TEST(SoftSort, RefusesNonsense) {
  Case<double> c(2, 1, 4, 9);
  const auto with = [&](double tau, int iterations, int32_t nodes) {
    Case<double> bad = c;
    bad.tau = tau;
    bad.iterations = iterations;
    bad.num_nodes[1] = nodes;
    bad.Run();
  };
  EXPECT_NO_THROW(with(0.1, 20, 4));
  EXPECT_THROW(with(0, 20, 4), Error);
  EXPECT_THROW(with(std::numeric_limits<double>::quiet_NaN(), 20, 4), Error);
  EXPECT_THROW(with(0.1, 0, 4), Error);
  EXPECT_THROW(with(0.1, 20, 5), Error);
  EXPECT_THROW(with(0.1, 20, -1), Error);
}

}  // namespace
}  // namespace orbit::kernels
