// Products on a GPU agree with the host: transposed or not, accumulating, in batches with shared operands; linear
// layers, broadcast rows and column sums.
#include "kernels/matmul.h"

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
double Tolerance() {
  return sizeof(T) == 2 ? 0.01 : sizeof(T) == 4 ? 1e-5 : 1e-13;
}

template <class T, class U = T>
void CompareProducts(int64_t m, int64_t n, int64_t k, int64_t batch, bool shared_a) {
  SCOPED_TRACE(testing::Message() << batch << " products " << m << " x " << n << " x " << k);
  const int64_t a_stride = shared_a ? 0 : m * k;
  const std::vector<T> a = Normal<T>(shared_a ? m * k : batch * m * k, 1), b = Normal<T>(batch * k * n, 2);
  const std::vector<U> before = Normal<U>(batch * m * n, 3);
  const OnGpu<T> on_a(a), on_b(b);
  for (const Transpose ta : {Transpose::kNo, Transpose::kYes})
    for (const Transpose tb : {Transpose::kNo, Transpose::kYes})
      for (const SumType<T> beta : {0, 1}) {
        std::vector<U> c = before;
        const OnGpu<U> on_c(before);
        MatMul(Cpu(), ta, tb, m, n, k, a.data(), b.data(), beta, c.data(), batch, a_stride, k * n, m * n);
        MatMul(Gpu(), ta, tb, m, n, k, on_a.data(), on_b.data(), beta, on_c.data(), batch, a_stride, k * n, m * n);
        ExpectNear(c, on_c.Get(), Tolerance<U>(), "c");
      }
}

template <class T>
void CompareLinear(int64_t rows, int64_t in, int64_t out) {
  SCOPED_TRACE(testing::Message() << rows << " rows from " << in << " to " << out);
  const std::vector<T> x = Normal<T>(rows * in, 1), weight = Normal<T>(out * in, 2), bias = Normal<T>(out, 3);
  const OnGpu<T> on_x(x), on_weight(weight), on_bias(bias);
  std::vector<T> y(rows * out), repeated(rows * out);
  std::vector<SumType<T>> sums(in);
  const OnGpu<T> on_y(y.size()), on_repeated(y.size());
  const OnGpu<SumType<T>> on_sums(in);
  for (const bool biased : {true, false}) {
    LinearForward(Cpu(), rows, in, out, x.data(), weight.data(), biased ? bias.data() : nullptr, y.data());
    LinearForward(Gpu(), rows, in, out, on_x.data(), on_weight.data(), biased ? on_bias.data() : nullptr, on_y.data());
    ExpectNear(y, on_y.Get(), Tolerance<T>(), "y");
  }
  BroadcastRow(Cpu(), rows, out, bias.data(), repeated.data());
  BroadcastRow(Gpu(), rows, out, on_bias.data(), on_repeated.data());
  EXPECT_EQ(repeated, on_repeated.Get());
  ColumnSums(Cpu(), rows, in, x.data(), sums.data());
  ColumnSums(Gpu(), rows, in, on_x.data(), on_sums.data());
  ExpectNear(sums, on_sums.Get(), Tolerance<SumType<T>>(), "sums");
}

TEST(MatMul, AgreesWithTheHost) {
  SetNumThreads(1);
  CompareProducts<float>(31, 33, 7, 3, false);
  CompareProducts<double>(5, 64, 16, 2, true);
  CompareProducts<float>(1, 1, 1, 1, false);
  CompareProducts<float>(3, 4, 0, 2, false);
  CompareProducts<double>(0, 4, 3, 2, false);
  CompareProducts<BFloat16>(31, 33, 7, 3, false);
  CompareProducts<BFloat16>(8, 16, 0, 2, true);
  CompareProducts<BFloat16, float>(5, 64, 16, 2, true);
}

TEST(Linear, AgreesWithTheHost) {
  SetNumThreads(1);
  CompareLinear<float>(33, 31, 65);
  CompareLinear<double>(300, 4, 5);
  CompareLinear<float>(1, 1, 1);
  CompareLinear<float>(4, 0, 3);
  CompareLinear<BFloat16>(33, 31, 65);
  CompareLinear<BFloat16>(4, 0, 3);
}

}  // namespace
}  // namespace orbit::kernels
