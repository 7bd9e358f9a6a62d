// The softmax on a GPU agrees with the host's, forward and backward: rows shorter than a warp and longer ones.
#include "kernels/softmax.h"

#include <limits>

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(int64_t rows, int64_t width, double tolerance) {
  SCOPED_TRACE(testing::Message() << rows << " rows of " << width);
  SetNumThreads(1);
  std::vector<T> x = Normal<T>(rows * width, 1), y(x.size()), dx(x.size());
  if (rows > 1) std::fill_n(x.begin(), width, FromSumType<T>(-std::numeric_limits<SumType<T>>::infinity()));
  const std::vector<T> dy = Normal<T>(x.size(), 2);
  SoftmaxForward(Cpu(), rows, width, x.data(), y.data());
  SoftmaxBackward(Cpu(), rows, width, y.data(), dy.data(), dx.data());
  const OnGpu<T> on_x(x), on_y(x.size()), on_dy(dy), on_dx(x.size());
  ForEachSchedule([&] {
    SoftmaxForward(Gpu(), rows, width, on_x.data(), on_y.data());
    ExpectNear(y, on_y.Get(), tolerance, "y");
    SoftmaxBackward(Gpu(), rows, width, on_y.data(), on_dy.data(), on_dx.data());
    ExpectNear(dx, on_dx.Get(), tolerance, "dx");
  });
}

TEST(Softmax, AgreesWithTheHost) {
  for (const int64_t width : {0, 1, 5, 32, 33, 100}) {
    CompareWithHost<float>(11, width, 1e-6);
    CompareWithHost<double>(3, width, 1e-14);
    CompareWithHost<BFloat16>(9, width, 0.008);
  }
  CompareWithHost<float>(0, 3, 1e-6);
}

}  // namespace
}  // namespace orbit::kernels
