// A linear layer on the host agrees with the definition, by products of few and of many rows.
#include "kernels/linear.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/kernels/normal.h"

namespace orbit::kernels {
namespace {

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
