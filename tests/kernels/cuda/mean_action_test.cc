// The mean over samples of transformed results on a GPU agrees with the host, forward and backward: with and without
// permutations and matrices, of sizes that fit on chip or do not.
#include "kernels/mean_action.h"

#include <algorithm>
#include <numeric>

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(const MeanActionShape& shape, bool permutes, bool rotates) {
  SCOPED_TRACE(testing::Message() << shape.batch << " of " << shape.samples << " samples, n " << shape.n << ", d "
                                  << shape.d << ", channels " << shape.channels << ", permutes " << permutes
                                  << ", rotates " << rotates);
  SetNumThreads(1);
  const double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-12;
  const int64_t n = shape.n, rows = shape.rows(), size = rows * shape.row_size();
  std::mt19937 random(1);
  std::vector<int32_t> index(rows * n), ranks(rows * n);
  for (int64_t row = 0; row < rows; ++row) {
    std::iota(index.begin() + row * n, index.begin() + (row + 1) * n, 0);
    std::shuffle(index.begin() + row * n, index.begin() + (row + 1) * n, random);
    for (int64_t r = 0; r < n; ++r) ranks[row * n + index[row * n + r]] = static_cast<int32_t>(r);
  }
  const std::vector<T> m = Normal<T>(rows * shape.d * shape.d, 1), x = Normal<T>(size, 2),
                       dy = Normal<T>(shape.batch * shape.row_size(), 3);
  std::vector<T> y(dy.size()), dx(size), dm(m.size()), dsoft(rows * n * n);
  MeanAction(Cpu(), shape, permutes ? ranks.data() : nullptr, rotates ? m.data() : nullptr, x.data(), y.data());
  MeanActionBackward(Cpu(), shape, permutes ? index.data() : nullptr, rotates ? m.data() : nullptr, x.data(), dy.data(),
                     dx.data(), dm.data(), dsoft.data());
  const OnGpu<int32_t> on_index(index), on_ranks(ranks);
  const OnGpu<T> on_m(m), on_x(x), on_dy(dy);
  ForEachSchedule([&] {
    const OnGpu<T> on_y(y.size()), on_dx(dx.size()), on_dm(dm.size()), on_dsoft(dsoft.size()), only_dx(dx.size());
    const int32_t* gpu_index = permutes ? on_index.data() : nullptr;
    const T* gpu_m = rotates ? on_m.data() : nullptr;
    MeanAction(Gpu(), shape, permutes ? on_ranks.data() : nullptr, gpu_m, on_x.data(), on_y.data());
    ExpectNear(y, on_y.Get(), tolerance, "y");
    MeanActionBackward(Gpu(), shape, gpu_index, gpu_m, on_x.data(), on_dy.data(), on_dx.data(), on_dm.data(),
                       on_dsoft.data());
    ExpectNear(dx, on_dx.Get(), tolerance, "dx");
    ExpectNear(dm, on_dm.Get(), tolerance, "dm");
    ExpectNear(dsoft, on_dsoft.Get(), tolerance, "dsoft");
    MeanActionBackward<Gpu, T>(Gpu(), shape, gpu_index, gpu_m, on_x.data(), on_dy.data(), only_dx.data(), nullptr,
                               nullptr);
    EXPECT_EQ(on_dx.Get(), only_dx.Get());
  });
}

TEST(MeanAction, AgreesWithTheHost) {
  for (const bool permutes : {true, false})
    for (const bool rotates : {true, false}) {
      CompareWithHost<float>({2, 3, 5, 3, 1}, permutes, rotates);
      CompareWithHost<double>({1, 2, 31, 2, 3}, permutes, rotates);
      CompareWithHost<float>({3, 1, 1, 1, 1}, permutes, rotates);
      CompareWithHost<float>({0, 4, 3, 3, 1}, permutes, rotates);
      CompareWithHost<double>({2, 2, 0, 3, 1}, permutes, rotates);
    }
  CompareWithHost<float>({1, 2, 33, 3, 251}, true, true);  // more than fits on chip
}

}  // namespace
}  // namespace orbit::kernels
