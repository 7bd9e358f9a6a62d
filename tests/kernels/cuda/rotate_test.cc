// Matrices acting on vectors on a GPU agree with the host, forward and backward.
#include "kernels/rotate.h"

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(int64_t groups, int64_t repeat, int64_t points, int64_t d, int64_t channels, bool transpose) {
  SCOPED_TRACE(testing::Message() << groups << " x " << repeat << " rows, " << points << " points of " << d << " x "
                                  << channels << ", transpose " << transpose);
  SetNumThreads(1);
  const int64_t rows = groups * repeat, size = points * d * channels;
  const std::vector<T> m = Normal<T>(rows * d * d, 1), x = Normal<T>(groups * size, 2), dy = Normal<T>(rows * size, 3);
  std::vector<T> y(rows * size), dm(m.size()), dx(x.size());
  RotateForward(Cpu(), rows, repeat, points, d, channels, transpose, m.data(), x.data(), y.data());
  RotateBackward(Cpu(), rows, repeat, points, d, channels, transpose, m.data(), x.data(), dy.data(), dm.data(),
                 dx.data());
  const OnGpu<T> on_m(m), on_x(x), on_dy(dy), on_y(y.size()), on_dm(dm.size()), on_dx(dx.size());
  RotateForward(Gpu(), rows, repeat, points, d, channels, transpose, on_m.data(), on_x.data(), on_y.data());
  RotateBackward(Gpu(), rows, repeat, points, d, channels, transpose, on_m.data(), on_x.data(), on_dy.data(),
                 on_dm.data(), on_dx.data());
  const double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-12;
  ExpectNear(y, on_y.Get(), tolerance, "y");
  ExpectNear(dm, on_dm.Get(), tolerance, "dm");
  ExpectNear(dx, on_dx.Get(), tolerance, "dx");
}

TEST(Rotate, AgreesWithTheHost) {
  for (const bool transpose : {false, true}) {
    CompareWithHost<float>(7, 3, 5, 3, 2, transpose);
    CompareWithHost<double>(2, 4, 31, 3, 1, transpose);
    CompareWithHost<float>(1, 1, 1, 1, 1, transpose);
    CompareWithHost<double>(3, 1, 2, 5, 33, transpose);
    CompareWithHost<float>(0, 2, 5, 3, 2, transpose);
    CompareWithHost<float>(3, 2, 0, 3, 2, transpose);
  }
}

}  // namespace
}  // namespace orbit::kernels
