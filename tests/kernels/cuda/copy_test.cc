// Strided copies and copies of rows on a GPU equal the host's: every order of axes, slices, rows gathered and added in
// any order, indices out of range.
#include "kernels/copy.h"

#include <numeric>

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

// Axis i of y is axis order[i] of x [sizes]; x starts `skip` elements in, and its last axis is `extra` longer.
template <class T>
void ComparePermuted(const std::vector<int64_t>& sizes, const std::vector<int>& order, int64_t skip = 0,
                     int64_t extra = 0, bool all_schedules = true) {
  Strided shape;
  shape.axes = static_cast<int>(sizes.size());
  std::vector<int64_t> strides(sizes.size());
  int64_t x_size = 1, y_size = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = x_size;
    x_size *= sizes[i] + (i + 1 == sizes.size() ? extra : 0);
  }
  for (size_t i = sizes.size(); i-- > 0;) {
    shape.size[i] = sizes[order[i]];
    shape.x_stride[i] = strides[order[i]];
    shape.y_stride[i] = y_size;
    y_size *= shape.size[i];
  }
  const std::vector<T> x = Normal<T>(x_size + skip, 1);
  std::vector<T> y(y_size);
  CopyStrided(Cpu(), shape, x.data() + skip, y.data());
  const OnGpu<T> on_x(x);
  const auto compare = [&] {
    const OnGpu<T> on_y(y_size);
    CopyStrided(Gpu(), shape, on_x.data() + skip, on_y.data());
    EXPECT_EQ(y, on_y.Get());
  };
  all_schedules ? ForEachSchedule(compare) : compare();
}

TEST(CopyStrided, EveryOrderOfAxes) {
  SetNumThreads(1);
  std::vector<int> order = {0, 1, 2};
  do {
    ComparePermuted<float>({3, 33, 9}, order);
    ComparePermuted<double>({9, 4, 12}, order, 1, 3);
  } while (std::next_permutation(order.begin(), order.end()));
  ComparePermuted<float>({40, 37}, {1, 0});
  ComparePermuted<float>({8, 8, 8}, {0, 1, 2}, 0, 4);
  ComparePermuted<double>({2, 3, 2, 3, 8}, {4, 2, 0, 3, 1});
  ComparePermuted<float>({1, 1}, {1, 0});
  ComparePermuted<BFloat16>({16, 8, 8}, {0, 1, 2}, 0, 8);
  ComparePermuted<BFloat16>({3, 33, 9}, {0, 2, 1});
  ComparePermuted<float>({0, 5}, {1, 0});
}

TEST(CopyStrided, MoreMatricesThanAGridIsHigh) {
#if !defined(ORBIT_TEST_CUDA) && ORBIT_SIMT_SANITIZER != ORBIT_SIMT_NONE
  GTEST_SKIP() << "as many blocks take minutes with a sanitizer";
#endif
  ComparePermuted<float>({65537, 8, 9}, {0, 2, 1}, 0, 0, /*all_schedules=*/false);
}

// `others` places, of which the rows take turns of `turn`.
template <class T>
void CompareRows(int64_t rows, int64_t columns, int64_t others, int64_t turn) {
  SCOPED_TRACE(testing::Message() << rows << " rows of " << columns << ", " << others << " others");
  std::mt19937_64 random(1);
  std::vector<int64_t> index(rows);
  for (int64_t& i : index) i = static_cast<int64_t>(random() % turn);
  const std::vector<T> x = Normal<T>(others * columns, 1), terms = Normal<T>(rows * columns, 2);
  std::vector<T> gathered(rows * columns), sums = x;
  GatherRows(Cpu(), rows, columns, others, index.data(), x.data(), gathered.data());
  ScatterAddRows(Cpu(), rows, columns, others, index.data(), terms.data(), sums.data());
  const OnGpu<int64_t> on_index(index);
  const OnGpu<T> on_x(x), on_terms(terms);
  std::vector<T> first_bits;
  ForEachSchedule([&] {
    const OnGpu<T> on_gathered(gathered.size()), on_sums(x);
    GatherRows(Gpu(), rows, columns, others, on_index.data(), on_x.data(), on_gathered.data());
    EXPECT_EQ(gathered, on_gathered.Get());
    ScatterAddRows(Gpu(), rows, columns, others, on_index.data(), on_terms.data(), on_sums.data());
    ExpectNear(sums, on_sums.Get(), sizeof(T) == 2 ? 0.008 : sizeof(T) == 4 ? 1e-4 : 1e-12, "sums");
    if (first_bits.empty()) first_bits = on_sums.Get();
    EXPECT_EQ(first_bits, on_sums.Get()) << "the order of the sums is fixed";
  });
}

TEST(Rows, GatheredAndScattered) {
  SetNumThreads(1);
  for (const int64_t columns : {1, 4, 31}) {
    CompareRows<float>(33, columns, 7, 7);
    CompareRows<double>(70, columns, 40, 40);
    CompareRows<float>(1, columns, 1, 1);
    CompareRows<float>(0, columns, 3, 3);
    CompareRows<float>(700, columns, 3, 1);  // all rows go to one place
    CompareRows<double>(513, columns, 40, 33);
  }
  for (const int64_t columns : {3, 8, 16}) {
    CompareRows<BFloat16>(33, columns, 7, 7);
    CompareRows<BFloat16>(700, columns, 3, 1);
  }
}

TEST(Rows, IndicesOutside) {
  const OnGpu<int64_t> index(std::vector<int64_t>{1, -1, 2, 0});
  const OnGpu<float> x(std::vector<float>{10, 20}), gathered(4), sums(std::vector<float>{1, 2}),
      terms(std::vector<float>{5, 6, 7, 8});
  GatherRows(Gpu(), 4, 1, 2, index.data(), x.data(), gathered.data());
  const std::vector<float> rows = gathered.Get();
  EXPECT_EQ(rows[0], 20);
  EXPECT_TRUE(std::isnan(rows[1]));
  EXPECT_TRUE(std::isnan(rows[2]));
  EXPECT_EQ(rows[3], 10);
  ScatterAddRows(Gpu(), 4, 1, 2, index.data(), terms.data(), sums.data());
  EXPECT_EQ(sums.Get(), (std::vector<float>{9, 7}));
}

}  // namespace
}  // namespace orbit::kernels
