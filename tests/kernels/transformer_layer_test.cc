// Compares the fused transformer layer with a plain one in extended precision, and its gradients with finite
// differences of that one, on every instruction set.
#include "kernels/transformer_layer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "kernels/parallel.h"
#include "tests/kernels/targets.h"

namespace orbit::kernels {
namespace {

using Real = long double;

// Sequences, tokens, width, heads, hidden. First the paper's sizes; then one token, heads narrower than a vector, more
// tokens than a block of queries, and enough sequences for several partial sums.
const TransformerLayerSizes kSizes[] = {{5, 25, 64, 4, 64}, {3, 16, 32, 2, 48}, {4, 9, 20, 4, 12}, {7, 1, 8, 1, 24},
                                        {2, 70, 12, 3, 9},  {1, 33, 18, 2, 7},  {150, 2, 6, 6, 5}};

// The parameters' sizes, in the order of TransformerLayerParameters.
std::vector<int64_t> ParameterSizes(const TransformerLayerSizes& s) {
  const int64_t w = s.width, h = s.hidden;
  return {3 * w * w, 3 * w, w * w, w, h * w, h, w * h, w, w, w, w, w};
}

template <class T>
using Tensors = std::vector<std::vector<T>>;

template <class T, class U>
TransformerLayerParameters<T> View(Tensors<U>& t) {
  return {t[0].data(), t[1].data(), t[2].data(), t[3].data(), t[4].data(),  t[5].data(),
          t[6].data(), t[7].data(), t[8].data(), t[9].data(), t[10].data(), t[11].data()};
}

template <class T, class U>
std::vector<T> Cast(const std::vector<U>& x) {
  return std::vector<T>(x.begin(), x.end());
}

// y = x W^T + b for one row.
std::vector<Real> Linear(const std::vector<Real>& x, const std::vector<Real>& weight, const std::vector<Real>& bias) {
  std::vector<Real> y = bias;
  for (size_t o = 0; o < y.size(); ++o)
    for (size_t c = 0; c < x.size(); ++c) y[o] += weight[o * x.size() + c] * x[c];
  return y;
}

std::vector<Real> Norm(const std::vector<Real>& x, const std::vector<Real>& weight, const std::vector<Real>& bias) {
  Real mean = 0, variance = 0;
  for (const Real v : x) mean += v / x.size();
  for (const Real v : x) variance += (v - mean) * (v - mean) / x.size();
  std::vector<Real> y(x.size());
  for (size_t c = 0; c < x.size(); ++c) y[c] = (x[c] - mean) / std::sqrt(variance + Real(1e-5)) * weight[c] + bias[c];
  return y;
}

// The layer, straight from its definition.
std::vector<Real> Reference(const TransformerLayerSizes& s, const Tensors<Real>& p, const std::vector<Real>& x) {
  const int64_t w = s.width, d = w / s.heads;
  std::vector<Real> y = x;
  for (int64_t sequence = 0; sequence < s.sequences; ++sequence) {
    const int64_t first = sequence * s.tokens;
    Tensors<Real> qkv, out;
    for (int64_t t = 0; t < s.tokens; ++t) {
      const std::vector<Real> row(x.begin() + (first + t) * w, x.begin() + (first + t + 1) * w);
      qkv.push_back(Linear(Norm(row, p[8], p[9]), p[0], p[1]));
    }
    for (int64_t t = 0; t < s.tokens; ++t) {
      out.emplace_back(w);
      for (int64_t head = 0; head < s.heads; ++head) {
        std::vector<Real> score(s.tokens);
        Real sum = 0;
        for (int64_t key = 0; key < s.tokens; ++key) {
          for (int64_t c = head * d; c < (head + 1) * d; ++c) score[key] += qkv[t][c] * qkv[key][w + c];
          sum += score[key] = std::exp(score[key] / std::sqrt(Real(d)));
        }
        for (int64_t key = 0; key < s.tokens; ++key)
          for (int64_t c = head * d; c < (head + 1) * d; ++c) out[t][c] += score[key] / sum * qkv[key][2 * w + c];
      }
    }
    for (int64_t t = 0; t < s.tokens; ++t) {
      std::vector<Real> middle = Linear(out[t], p[2], p[3]);
      for (int64_t c = 0; c < w; ++c) middle[c] += x[(first + t) * w + c];
      std::vector<Real> hidden = Linear(Norm(middle, p[10], p[11]), p[4], p[5]);
      for (Real& h : hidden) h = h * (1 + std::erf(h / std::sqrt(Real(2)))) / 2;
      const std::vector<Real> last = Linear(hidden, p[6], p[7]);
      for (int64_t c = 0; c < w; ++c) y[(first + t) * w + c] = middle[c] + last[c];
    }
  }
  return y;
}

struct Case {
  explicit Case(const TransformerLayerSizes& sizes) : sizes(sizes) {
    std::mt19937 generator(7);
    std::normal_distribution<float> normal;  // values that float holds exactly
    const auto draw = [&](int64_t size, Real scale, Real mean) {
      std::vector<Real> values(size);
      for (Real& v : values) v = static_cast<float>(mean + scale * normal(generator));
      return values;
    };
    int index = 0;
    for (const int64_t size : ParameterSizes(sizes)) {
      parameters.push_back(draw(size, 0.3L, index == 8 || index == 10 ? 1 : 0));
      ++index;
    }
    const int64_t elements = sizes.sequences * sizes.tokens * sizes.width;
    x = draw(elements, 1, 0.5L);
    dy = draw(elements, 1, 0);
  }

  TransformerLayerSizes sizes;
  Tensors<Real> parameters;
  std::vector<Real> x, dy;
};

// y, dx and the parameters' gradients.
template <class T>
Tensors<T> Compute(const Case& c) {
  Tensors<T> parameters, gradients;
  for (const auto& p : c.parameters) {
    parameters.push_back(Cast<T>(p));
    gradients.emplace_back(p.size(), T(NAN));
  }
  const auto x = Cast<T>(c.x), dy = Cast<T>(c.dy);
  std::vector<T> y(x.size(), T(NAN)), dx(x.size(), T(NAN)), saved(TransformerLayerSavedSize<T>(Cpu(), c.sizes), T(NAN));
  TransformerLayerForward<Cpu, T>(Cpu(), c.sizes, View<const T>(parameters), x.data(), y.data(), saved.data());
  TransformerLayerBackward<Cpu, T>(Cpu(), c.sizes, View<const T>(parameters), x.data(), saved.data(), dy.data(),
                                   dx.data(), View<T>(gradients));
  Tensors<T> results{y, dx};
  results.insert(results.end(), gradients.begin(), gradients.end());
  return results;
}

template <class T, class U>
double RelativeError(const std::vector<T>& a, const std::vector<U>& b) {
  Real difference = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - static_cast<Real>(b[i])) * (a[i] - static_cast<Real>(b[i]));
    norm += static_cast<Real>(b[i]) * b[i];
  }
  return static_cast<double>(std::sqrt(difference / norm));
}

class TransformerLayerTest : public testing::TestWithParam<TransformerLayerSizes> {};

TEST_P(TransformerLayerTest, ForwardIsTheDefinition) {
  const Case c(GetParam());
  const auto expected = Reference(c.sizes, c.parameters, c.x);
  ForEachTarget([&] {
    EXPECT_LT(RelativeError(Compute<double>(c)[0], expected), 1e-14);
    EXPECT_LT(RelativeError(Compute<float>(c)[0], expected), 1e-6);
  });
}

// Compares with the reference's sixth-order difference quotient along a random direction of length 1, for x and every
// parameter.
TEST_P(TransformerLayerTest, BackwardIsTheDerivative) {
  const Case c(GetParam());
  std::mt19937 generator(11);
  std::normal_distribution<double> normal;
  Tensors<Real> directions{std::vector<Real>(c.x.size())};
  for (const auto& p : c.parameters) directions.emplace_back(p.size());
  std::vector<Real> slopes;
  for (size_t which = 0; which < directions.size(); ++which) {
    Real length = 0;
    for (Real& v : directions[which]) {
      v = normal(generator);
      length += v * v;
    }
    for (Real& v : directions[which]) v /= std::sqrt(length);
    const auto loss = [&](Real step) {
      Case moved = c;
      auto& values = which == 0 ? moved.x : moved.parameters[which - 1];
      for (size_t i = 0; i < values.size(); ++i) values[i] += step * directions[which][i];
      const auto y = Reference(moved.sizes, moved.parameters, moved.x);
      Real sum = 0;
      for (size_t i = 0; i < y.size(); ++i) sum += c.dy[i] * y[i];
      return sum;
    };
    const Real h = 1e-3L;
    slopes.push_back((45 * (loss(h) - loss(-h)) - 9 * (loss(2 * h) - loss(-2 * h)) + loss(3 * h) - loss(-3 * h)) /
                     (60 * h));
  }
  ForEachTarget([&] {
    const auto results = Compute<double>(c);
    for (size_t which = 0; which < directions.size(); ++which) {
      Real slope = 0, norm = 0;
      for (size_t i = 0; i < directions[which].size(); ++i) {
        slope += results[which + 1][i] * directions[which][i];
        norm += results[which + 1][i] * results[which + 1][i];
      }
      const Real error = (slope - slopes[which]) / std::sqrt(norm / directions[which].size());
      EXPECT_NEAR(static_cast<double>(error), 0, 2e-13) << "tensor " << which;
    }
    const auto single = Compute<float>(c);
    for (size_t which = 1; which < results.size(); ++which)
      EXPECT_LT(RelativeError(single[which], results[which]), 5e-6) << "tensor " << which;
  });
}

TEST_P(TransformerLayerTest, SameBitsOnAnyNumberOfThreads) {
  const Case c(GetParam());
  const int threads = NumThreads();
  SetNumThreads(1);
  const auto one = Compute<float>(c);
  SetNumThreads(2);
  const auto two = Compute<float>(c);
  SetNumThreads(threads);
  EXPECT_EQ(one, two);
}

TEST_P(TransformerLayerTest, InferenceAndInPlaceGiveTheSameBits) {
  Case c(GetParam());
  const auto expected = Compute<float>(c);
  Tensors<float> parameters, gradients;
  for (const auto& p : c.parameters) {
    parameters.push_back(Cast<float>(p));
    gradients.emplace_back(p.size());
  }
  const auto x = Cast<float>(c.x);
  auto y = x, dx = Cast<float>(c.dy);
  TransformerLayerForward<Cpu, float>(Cpu(), c.sizes, View<const float>(parameters), y.data(), y.data(), nullptr);
  EXPECT_EQ(y, expected[0]);
  std::vector<float> saved(TransformerLayerSavedSize<float>(Cpu(), c.sizes));
  TransformerLayerForward<Cpu, float>(Cpu(), c.sizes, View<const float>(parameters), x.data(), y.data(), saved.data());
  TransformerLayerBackward<Cpu, float>(Cpu(), c.sizes, View<const float>(parameters), x.data(), saved.data(), dx.data(),
                                       dx.data(), View<float>(gradients));
  EXPECT_EQ(dx, expected[1]);
}

INSTANTIATE_TEST_SUITE_P(Sizes, TransformerLayerTest, testing::ValuesIn(kSizes), [](const auto& info) {
  const TransformerLayerSizes& s = info.param;
  return std::to_string(s.sequences) + "x" + std::to_string(s.tokens) + "x" + std::to_string(s.width) + "_heads" +
         std::to_string(s.heads) + "_hidden" + std::to_string(s.hidden);
});

TEST(TransformerLayerTest, NoSequencesGiveZeroGradients) {
  const auto results = Compute<double>(Case({0, 25, 8, 2, 8}));
  for (size_t which = 2; which < results.size(); ++which)
    for (const double v : results[which]) EXPECT_EQ(v, 0);
}

TEST(TransformerLayerTest, NanShowsInItsSequenceOnly) {
  Case c({2, 5, 8, 2, 8});
  c.x[3] = NAN;
  const auto y = Compute<float>(c)[0];
  for (int64_t i = 0; i < 40; ++i) EXPECT_TRUE(std::isnan(y[i])) << i;
  for (int64_t i = 40; i < 80; ++i) EXPECT_FALSE(std::isnan(y[i])) << i;
}

}  // namespace
}  // namespace orbit::kernels
