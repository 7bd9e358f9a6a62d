// The entropy of soft permutations agrees with its definition, and its gradient with finite differences and the clamp's
// convention, for ragged and awkward sizes; the bits are the same on any number of threads.
#include "kernels/permutation_entropy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

struct Case {
  int64_t batch, samples, n;
  std::vector<double> soft;
  std::vector<int32_t> num_nodes;

  Case(int64_t batch, int64_t samples, int64_t n, int seed) : batch(batch), samples(samples), n(n) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> exponent(-14, 0);
    for (int64_t k = 0; k < batch * samples * n * n; ++k)
      soft.push_back(k % 7 == 3 ? 0.0 : std::pow(10, exponent(random)));
    std::uniform_int_distribution<int32_t> size(1, static_cast<int32_t>(n));
    for (int64_t b = 0; b < batch; ++b) num_nodes.push_back(b == 0 ? static_cast<int32_t>(n) : size(random));
  }

  double Dense() const {
    double total = 0;
    for (int64_t k = 0; k < batch * samples; ++k) {
      const int64_t m = num_nodes[k / samples];
      for (const bool columns : {true, false})
        for (int64_t a = 0; a < m; ++a) {
          std::vector<double> p;
          double sum = 0, entropy = 0;
          for (int64_t b = 0; b < m; ++b)
            p.push_back(std::max(1e-12, soft[(k * n + (columns ? b : a)) * n + (columns ? a : b)]));
          for (const double x : p) sum += x;
          for (const double x : p) entropy -= x / sum * std::log(x / sum);
          total += entropy / static_cast<double>(m * samples);
        }
    }
    return total;
  }

  template <class T>
  T Entropy() const {
    const std::vector<T> typed(soft.begin(), soft.end());
    T entropy = 0;
    PermutationEntropy(Cpu(), batch, samples, n, typed.data(), num_nodes.data(), &entropy);
    return entropy;
  }

  template <class T>
  std::vector<T> Gradient(T upstream, T beta, T start) const {
    const std::vector<T> typed(soft.begin(), soft.end());
    std::vector<T> gradient(soft.size(), start);
    PermutationEntropyBackward(Cpu(), batch, samples, n, typed.data(), num_nodes.data(), &upstream, beta,
                               gradient.data());
    return gradient;
  }
};

TEST(PermutationEntropy, IsTheDefinition) {
  for (const int64_t n : {1, 2, 5, 31, 33, 64}) {
    const Case c(5, 3, n, static_cast<int>(n));
    const double want = c.Dense();
    EXPECT_NEAR(c.Entropy<double>(), want, 1e-12 * (1 + want));
    EXPECT_NEAR(c.Entropy<float>(), want, 1e-5 * (1 + want));
  }
}

TEST(PermutationEntropy, OfAUniformMatrixIsTheLogarithmOfItsSizeTwice) {
  Case c(2, 1, 8, 1);
  c.num_nodes = {8, 8};
  std::fill(c.soft.begin(), c.soft.end(), 1.0 / 8);
  EXPECT_NEAR(c.Entropy<double>(), 2 * 2 * std::log(8.0), 1e-12);  // of two matrices
  double entropy = 0;
  PermutationEntropy<Cpu, double>(Cpu(), 2, 1, 8, c.soft.data(), nullptr, &entropy);
  EXPECT_EQ(entropy, c.Entropy<double>());
}

TEST(PermutationEntropy, GradientIsThatOfFiniteDifferences) {
  Case c(3, 2, 6, 2);
  const std::vector<double> gradient = c.Gradient<double>(1.5, 0, std::numeric_limits<double>::quiet_NaN());
  for (size_t k = 0; k < c.soft.size(); ++k) {
    const double p = c.soft[k];
    if (p < 1e-11) {
      if (p < 1e-12) {
        EXPECT_EQ(gradient[k], 0) << "below the clamp";
      }
      continue;
    }
    const double step = 1e-4 * p;
    c.soft[k] = p + step;
    const double more = c.Entropy<double>();
    c.soft[k] = p - step;
    const double less = c.Entropy<double>();
    c.soft[k] = p;
    // Relative steps, so that the gradient is visible above the entropy's rounding for entries of every size.
    EXPECT_NEAR(gradient[k] * p, 1.5 * (more - less) / (2e-4), 1e-8) << "entry " << k;
  }
}

TEST(PermutationEntropy, GradientPassesAtTheClampAndNotBelow) {
  Case c(1, 1, 3, 3);
  c.soft = {1, 1e-12, 0, 0, 1, 0, 0, 0, 1};
  const std::vector<double> gradient = c.Gradient<double>(1, 0, 7);
  EXPECT_GT(gradient[1], 1.0);
  for (const int k : {2, 3, 5, 6, 7}) EXPECT_EQ(gradient[k], 0);
}

TEST(PermutationEntropy, AddsWhereAskedAndLeavesTheRest) {
  const Case c(4, 2, 9, 4);
  const std::vector<double> fresh = c.Gradient<double>(0.5, 0, 7), added = c.Gradient<double>(0.5, 1, 7);
  for (size_t k = 0; k < fresh.size(); ++k) {
    EXPECT_EQ(added[k], 7 + fresh[k]);
    const int64_t m = c.num_nodes[k / (2 * 81)], i = k / 9 % 9, r = k % 9;
    if (i >= m || r >= m) {
      EXPECT_EQ(fresh[k], 0);
    }
  }
}

TEST(PermutationEntropy, SinglePrecisionGradient) {
  const Case c(3, 2, 33, 5);
  const std::vector<double> want = c.Gradient<double>(1, 0, 0);
  const std::vector<float> got = c.Gradient<float>(1, 0, 0);
  double error = 0, norm = 0;
  for (size_t k = 0; k < want.size(); ++k) {
    if (std::abs(c.soft[k] / 1e-12 - 1) < 1e-6) continue;
    error += std::pow(got[k] - want[k], 2);
    norm += want[k] * want[k];
  }
  EXPECT_LE(std::sqrt(error), 1e-5 * std::sqrt(norm));
}

TEST(PermutationEntropy, GraphsWithoutNodesContributeNothing) {
  Case c(2, 2, 4, 6), first = c;
  c.num_nodes = {3, 0};
  first.batch = 1;
  first.num_nodes = {3};
  EXPECT_DOUBLE_EQ(c.Entropy<double>(), first.Entropy<double>());
  const std::vector<double> gradient = c.Gradient<double>(1, 0, 7);
  EXPECT_TRUE(std::all_of(gradient.begin() + 32, gradient.end(), [](double g) { return g == 0; }));
}

TEST(PermutationEntropy, NanShows) {
  Case c(1, 1, 5, 7);
  c.soft[12] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(c.Entropy<double>()));
  EXPECT_TRUE(std::isnan(c.Entropy<float>()));
}

TEST(PermutationEntropy, SameBitsForOneAndTwoThreads) {
  const Case c(60, 5, 31, 8);
  const int threads = NumThreads();
  SetNumThreads(1);
  const float one = c.Entropy<float>();
  const std::vector<float> one_gradient = c.Gradient<float>(1, 0, 0);
  SetNumThreads(2);
  EXPECT_EQ(c.Entropy<float>(), one);
  EXPECT_EQ(c.Gradient<float>(1, 0, 0), one_gradient);
  SetNumThreads(threads);
}

}  // namespace
}  // namespace orbit::kernels
