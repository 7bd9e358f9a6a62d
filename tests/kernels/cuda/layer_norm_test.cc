// Layer normalisation on a GPU agrees with the host, forward and backward: rows of one element, rows that fill vectors
// or do not, rows longer than a warp's registers; one row, and more rows than there are blocks with partial gradients.
#include "kernels/layer_norm.h"

#include <cmath>
#include <vector>

#include "kernels/error.h"
#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(int64_t rows, int64_t width, bool all_schedules = true) {
  SCOPED_TRACE(testing::Message() << rows << " rows of " << width);
  SetNumThreads(1);
  using S = SumType<T>;
  const S eps = S(1e-5);
  const double of_sums = sizeof(S) == 4 ? 2e-4 : 1e-11, tolerance = sizeof(T) == 2 ? 0.01 : of_sums;
  const std::vector<T> x = Normal<T>(rows * width, 1), dy = Normal<T>(rows * width, 4);
  const std::vector<S> weight = Normal<S>(width, 2), bias = Normal<S>(width, 3);
  const std::vector<T> start = Normal<T>(rows * width, 5);
  std::vector<T> y(rows * width), dx(rows * width), sum(start);
  std::vector<S> dweight(width), dbias(width);
  LayerNormForward(Cpu(), rows, width, eps, x.data(), weight.data(), bias.data(), y.data());
  const T* none = nullptr;
  LayerNormBackward(Cpu(), rows, width, eps, x.data(), weight.data(), dy.data(), none, dx.data(), dweight.data(),
                    dbias.data());
  LayerNormBackward(Cpu(), rows, width, eps, x.data(), weight.data(), dy.data(), static_cast<const T*>(sum.data()),
                    sum.data(), dweight.data(), dbias.data());
  for (size_t i = 0; i < sum.size(); ++i) {
    const S expected = ToSumType(dx[i]) + ToSumType(start[i]);
    EXPECT_NEAR(ToSumType(sum[i]), expected, tolerance * (1 + std::abs(expected))) << "element " << i;
  }
  const OnGpu<T> on_x(x), on_dy(dy), on_start(start);
  const OnGpu<S> on_weight(weight), on_bias(bias);
  const auto compare = [&] {
    const OnGpu<T> on_y(rows * width), on_dx(rows * width), on_sum(start);
    const OnGpu<S> on_dweight(width), on_dbias(width);
    LayerNormForward(Gpu(), rows, width, eps, on_x.data(), on_weight.data(), on_bias.data(), on_y.data());
    ExpectNear(y, on_y.Get(), tolerance, "y");
    const T* const from[] = {none, on_start.data(), on_sum.data()};
    T* const to[] = {on_dx.data(), on_dx.data(), on_sum.data()};
    for (int i = 0; i < 3; ++i) {
      LayerNormBackward(Gpu(), rows, width, eps, on_x.data(), on_weight.data(), on_dy.data(), from[i], to[i],
                        on_dweight.data(), on_dbias.data());
      if (i < 2) ExpectNear(i ? sum : dx, on_dx.Get(), tolerance, i ? "dx and start" : "dx");
    }
    ExpectNear(sum, on_sum.Get(), tolerance, "dx in the place of start");
    ExpectNear(dweight, on_dweight.Get(), of_sums, "dweight");
    ExpectNear(dbias, on_dbias.Get(), of_sums, "dbias");
  };
  if (all_schedules)
    ForEachSchedule(compare);
  else
    compare();
}

TEST(LayerNorm, AgreesWithTheHost) {
  for (const int64_t width : {2, 31, 33, 64, 66, 100, 160, 257, 772}) {
    CompareWithHost<float>(13, width);
    CompareWithHost<double>(3, width);
    CompareWithHost<BFloat16>(5, width, /*all_schedules=*/false);
  }
}

TEST(LayerNorm, RowsThatDoNotFillABlockAndManyRows) {
  for (const int64_t rows : {0, 1, 8, 31, 33}) CompareWithHost<float>(rows, 6);
  CompareWithHost<float>(512 * 8 + 5, 3, /*all_schedules=*/false);
}

TEST(LayerNorm, RowsLongerThanAWarpsRegisters) {
  CompareWithHost<float>(3, 1027);
  CompareWithHost<double>(2, 601);
  CompareWithHost<BFloat16>(3, 1027, /*all_schedules=*/false);
}

// 48,960 bytes of dynamic shared memory: less than 48 KB, but for what aligns it.
TEST(LayerNorm, RowsThatAlmostFillTheUsualSharedMemory) {
  CompareWithHost<float>(2, 6120, /*all_schedules=*/false);
  CompareWithHost<double>(1, 3060, /*all_schedules=*/false);
}

TEST(LayerNorm, RowsThatDoNotFitBackward) {
  const auto backward = [](int64_t width) {
    LayerNormBackward<Gpu, float>(Gpu(), 1, width, 1e-5f, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                                  nullptr);
  };
  EXPECT_THROW(backward(300000), Error);
}

}  // namespace
}  // namespace orbit::kernels
