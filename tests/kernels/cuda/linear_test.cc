// Linear layers with the operations next to them agree with the host, as separate kernels and, on a GPU, as epilogues
// of products, in every precision.
#include "kernels/linear.h"

#include "kernels/alternatives.h"
#include "kernels/matmul.h"
#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareForward(int64_t rows, int64_t in, int64_t out) {
  SCOPED_TRACE(testing::Message() << rows << " rows from " << in << " to " << out);
  SetNumThreads(1);
  const std::vector<T> x = Normal<T>(rows * in, 1), weight = Normal<T>(out * in, 2), bias = Normal<T>(out, 3);
  const OnGpu<T> on_x(x), on_weight(weight), on_bias(bias), on_y(rows * out);
  std::vector<T> y(rows * out);
  for (const bool biased : {true, false}) {
    LinearForward(Cpu(), rows, in, out, x.data(), weight.data(), biased ? bias.data() : nullptr, y.data());
    LinearForward(Gpu(), rows, in, out, on_x.data(), on_weight.data(), biased ? on_bias.data() : nullptr, on_y.data());
    ExpectNear(y, on_y.Get(), sizeof(T) == 2 ? 0.01 : sizeof(T) == 4 ? 1e-5 : 1e-13, "y");
  }
  const std::vector<T> start = Normal<T>(rows * out, 4);
  for (const bool in_place : {false, true}) {
    const OnGpu<T> on_start(start), on_sum(rows * out);
    T* to = in_place ? on_start.data() : on_sum.data();
    LinearPlus(Cpu(), rows, in, out, x.data(), weight.data(), bias.data(), start.data(), y.data());
    LinearPlus(Gpu(), rows, in, out, on_x.data(), on_weight.data(), on_bias.data(), on_start.data(), to);
    ExpectNear(y, (in_place ? on_start : on_sum).Get(), sizeof(T) == 2 ? 0.01 : sizeof(T) == 4 ? 1e-5 : 1e-13, "sum");
    if (!in_place) {
      EXPECT_EQ(start, on_start.Get());
    }
  }
}

TEST(Linear, ForwardAgreesWithTheHost) {
  CompareForward<float>(33, 31, 65);
  CompareForward<double>(300, 4, 5);
  CompareForward<float>(1, 1, 1);
  CompareForward<float>(4, 0, 3);
  CompareForward<BFloat16>(33, 31, 65);
  CompareForward<BFloat16>(4, 0, 3);
}

template <class T>
void CompareWeightGradients(int64_t rows, int64_t in, int64_t out, double tolerance, Precision precision) {
  using S = SumType<T>;
  const std::vector<T> x = Normal<T>(rows * in, 1), dy = Normal<T>(rows * out, 4);
  const OnGpu<T> on_x(x), on_dy(dy);
  std::vector<S> dweight(out * in), dbias(out);
  LinearWeightGradient(Cpu(), rows, in, out, x.data(), dy.data(), dweight.data(), dbias.data());
  for (const bool with_bias : {true, false}) {
    const OnGpu<S> on_dweight(dweight.size()), on_dbias(dbias.size());
    LinearWeightGradient(Gpu{.precision = precision}, rows, in, out, on_x.data(), on_dy.data(), on_dweight.data(),
                         with_bias ? on_dbias.data() : nullptr);
    ExpectNear(dweight, on_dweight.Get(), tolerance, "gradient of the weight");
    if (with_bias) ExpectNear(dbias, on_dbias.Get(), tolerance, "gradient of the bias");
  }
}

template <class T>
void CompareWithHost(int64_t rows, int64_t in, int64_t out, double tolerance, Precision precision) {
  const Gpu gpu{.precision = precision};
  SCOPED_TRACE(testing::Message() << rows << " rows from " << in << " to " << out << ", epilogues "
                                  << IsUsed(Alternative::kCublasLtEpilogues));
  SetNumThreads(1);
  const std::vector<T> x = Normal<T>(rows * in, 1), weight = Normal<T>(out * in, 2), bias = Normal<T>(out, 3),
                       dy = Normal<T>(rows * out, 4);
  const OnGpu<T> on_x(x), on_weight(weight), on_bias(bias), on_dy(dy);
  CompareWeightGradients<T>(rows, in, out, tolerance, precision);

  std::vector<T> z(rows * out), y(rows * out);
  LinearThenGelu(Cpu(), rows, in, out, x.data(), weight.data(), bias.data(), z.data(), y.data());
  const OnGpu<T> on_z(z.size()), on_y(y.size());
  LinearThenGelu(gpu, rows, in, out, on_x.data(), on_weight.data(), on_bias.data(), on_z.data(), on_y.data());
  ExpectNear(z, on_z.Get(), tolerance, "z");
  ExpectNear(y, on_y.Get(), tolerance, "GELU(z)");

  std::vector<T> dz(rows * in), dz_sums(in);  // x = GELU(z)
  LinearOfGeluBackward(Cpu(), rows, in, out, x.data(), weight.data(), dy.data(), dz.data(), dz_sums.data());
  const OnGpu<T> on_dz(dz.size()), on_dz_sums(in);
  LinearOfGeluBackward(gpu, rows, in, out, on_x.data(), on_weight.data(), on_dy.data(), on_dz.data(),
                       on_dz_sums.data());
  ExpectNear(dz, on_dz.Get(), tolerance, "gradient of z");
  ExpectNear(dz_sums, on_dz_sums.Get(), tolerance, "sums of its columns");
}

template <class T>
void CompareSizes(double tolerance, Precision precision = Precision::kF32) {
  CompareWithHost<T>(33, 31, 65, tolerance, precision);  // rows that no epilogue of GELU takes
  CompareWithHost<T>(100, 32, 64, tolerance, precision);
  CompareWithHost<T>(1, 8, 8, tolerance, precision);
  CompareWithHost<T>(4, 0, 3, tolerance, precision);
  CompareWithHost<T>(0, 3, 4, tolerance, precision);
}

void CompareGradientsInBf16() {
  SetNumThreads(1);
  CompareWeightGradients<BFloat16>(33, 31, 65, 2e-5, Precision::kBf16);
  CompareWeightGradients<BFloat16>(100, 32, 64, 2e-5, Precision::kBf16);
}

TEST(Linear, AgreesWithTheHost) {
  CompareSizes<float>(2e-5);
  CompareSizes<double>(1e-12);
  CompareGradientsInBf16();
}

TEST(Linear, AgreesWithTheHostWithEpilogues) {
  const bool before = IsUsed(Alternative::kCublasLtEpilogues);
#ifdef ORBIT_TEST_CUDA
  if (!before)
    GTEST_SKIP() << "on a GPU only with ORBIT_WITH=cublaslt_epilogues, so that all else is tested where this fails";
#endif
  SetUsed(Alternative::kCublasLtEpilogues, true);
  CompareSizes<float>(2e-5);
  CompareSizes<double>(1e-12);
  // Operands are rounded to 10 and 7 bits, GELU is within 5e-4.
  CompareSizes<float>(0.02, Precision::kTf32);
  CompareSizes<float>(0.15, Precision::kBf16);
  CompareGradientsInBf16();
  SetUsed(Alternative::kCublasLtEpilogues, before);
}

}  // namespace
}  // namespace orbit::kernels
