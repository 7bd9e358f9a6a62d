// Products on a GPU agree with the host: transposed or not, accumulating, in batches with shared operands, by the
// library or without; broadcast rows and column sums.
#include "kernels/matmul.h"

#include "kernels/cuda/plain_matmul.h"
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
        const OnGpu<U> on_plain(before);
        PlainMatMul(Gpu(), ta, tb, m, n, k, on_a.data(), on_b.data(), beta, on_plain.data(), batch, a_stride, k * n,
                    m * n);
        ExpectNear(c, on_plain.Get(), Tolerance<U>(), "c without a library");
      }
}

template <class T>
void CompareRows(int64_t rows, int64_t columns) {
  SCOPED_TRACE(testing::Message() << rows << " rows of " << columns);
  const std::vector<T> x = Normal<T>(rows * columns, 1), bias = Normal<T>(columns, 3);
  const OnGpu<T> on_x(x), on_bias(bias), on_repeated(x.size());
  std::vector<T> repeated(x.size());
  std::vector<SumType<T>> sums(columns);
  const OnGpu<SumType<T>> on_sums(columns);
  BroadcastRow(Cpu(), rows, columns, bias.data(), repeated.data());
  BroadcastRow(Gpu(), rows, columns, on_bias.data(), on_repeated.data());
  EXPECT_EQ(repeated, on_repeated.Get());
  ColumnSums(Cpu(), rows, columns, x.data(), sums.data());
  ColumnSums(Gpu(), rows, columns, on_x.data(), on_sums.data());
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

TEST(MatMul, TilesAreWhatTheThreadsOfABlockLoaded) {
  SetNumThreads(1);
  ForEachSchedule([] { CompareProducts<float>(17, 18, 35, 1, false); });
}

TEST(MatMul, RowsAreRepeatedAndAddedUp) {
  SetNumThreads(1);
  CompareRows<float>(33, 65);
  CompareRows<double>(300, 5);
  CompareRows<float>(1, 1);
  CompareRows<BFloat16>(33, 31);
}

}  // namespace
}  // namespace orbit::kernels
