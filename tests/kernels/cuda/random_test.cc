// Random numbers on a GPU agree with the host: the same bits for uniform numbers and dropout; normal numbers up to the
// rounding of sine, cosine and logarithm; from any place of a stream to any place in memory.
#include "kernels/random.h"

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

StreamSlice Contiguous(int64_t first, int64_t size) {
  return {.first = first, .rows = 1, .size = size, .stride = size};
}

template <class T>
void CompareWithHost(const StreamSlice& slice, int64_t offset) {
  SCOPED_TRACE(testing::Message() << slice.rows << " rows of " << slice.size << " numbers from " << slice.first
                                  << " on, " << slice.stride << " apart, at " << offset);
  SetNumThreads(1);
  const RandomStream stream = {.seed = 0x123456789abcdefull, .number = 0xfedcba9876543210ull};
  const int64_t size = slice.rows * slice.size;
  std::vector<T> uniform(size), normal(size), dropped(size), x = Normal<T>(size, 1);
  FillUniform(Cpu(), stream, slice, T(-1.3), T(2.7), uniform.data());
  FillNormal(Cpu(), stream, slice, T(0.5), T(2), normal.data());
  Dropout(Cpu(), stream, slice, 0.3, x.data(), dropped.data());
  // The same stream again, relative to a number in GPU memory.
  const std::vector<int64_t> base = {(int64_t{3} << 56) + 5};
  const OnGpu<int64_t> on_base(base);
  const RandomStream from_base = {stream.seed, stream.number - static_cast<uint64_t>(base[0]), on_base.data()};
  const OnGpu<T> on_x(x);
  for (const RandomStream& same : {stream, from_base}) {
    const OnGpu<T> on_uniform(size + offset), on_normal(size + offset), on_dropped(size + offset);
    FillUniform(Gpu(), same, slice, T(-1.3), T(2.7), on_uniform.data() + offset);
    FillNormal(Gpu(), same, slice, T(0.5), T(2), on_normal.data() + offset);
    Dropout(Gpu(), same, slice, 0.3, on_x.data(), on_dropped.data() + offset);
    const auto get = [&](const OnGpu<T>& array) {
      const std::vector<T> all = array.Get();
      return std::vector<T>(all.begin() + offset, all.end());
    };
    EXPECT_EQ(uniform, get(on_uniform));
    EXPECT_EQ(dropped, get(on_dropped));
    ExpectNear(normal, get(on_normal), sizeof(T) == 4 ? 1e-6 : 1e-14, "normal");
  }
}

TEST(Random, AgreesWithTheHost) {
  for (const int64_t size : {0, 1, 31, 33, 1029})
    for (const int64_t first : {0, 4, 5, 1023}) {
      CompareWithHost<float>(Contiguous(first, size), 0);
      CompareWithHost<double>(Contiguous(first, size), 0);
    }
  CompareWithHost<float>(Contiguous(int64_t{1} << 36, 40), 1);
  CompareWithHost<float>(Contiguous((int64_t{1} << 34) - 9, 40), 0);  // where the block number exceeds 32 bits
  CompareWithHost<double>(Contiguous((int64_t{1} << 34) - 9, 40), 1);
  CompareWithHost<double>(Contiguous((int64_t{1} << 62) + 5, 33), 0);
  CompareWithHost<double>(Contiguous(4, 41), 3);
}

TEST(Random, RowsAgreeWithTheHost) {
  CompareWithHost<float>({.first = 8, .rows = 3, .size = 12, .stride = 20}, 0);
  CompareWithHost<double>({.first = 5, .rows = 7, .size = 9, .stride = 31}, 0);
  CompareWithHost<float>({.first = 3, .rows = 2, .size = 1029, .stride = 2050}, 1);
  // more rows than a grid has rows of blocks
  CompareWithHost<double>({.first = 0, .rows = 1030, .size = 1, .stride = 3}, 0);
}

// A row of a slice is the corresponding part of the stream, on the host, too.
TEST(Random, RowsAreSlicesOfTheStream) {
  std::vector<double> all(60), rows(3 * 7);
  FillNormal(Cpu(), {.seed = 3, .number = 7}, Contiguous(0, 60), 0.0, 1.0, all.data());
  FillNormal(Cpu(), {.seed = 3, .number = 7}, {.first = 5, .rows = 3, .size = 7, .stride = 19}, 0.0, 1.0, rows.data());
  for (int64_t i = 0; i < 21; ++i) EXPECT_EQ(rows[i], all[5 + i / 7 * 19 + i % 7]) << i;
}

// The first known answer of Random123, which cuRAND's Philox4_32_10 gives as well, to 24 bits.
TEST(Random, IsPhilox) {
  const OnGpu<double> x(4);
  FillUniform(Gpu(), RandomStream(), Contiguous(0, 4), 0.0, 1.0, x.data());
  EXPECT_EQ(x.Get(),
            (std::vector<double>{0x6627e8 * 0x1p-24, 0xe169c5 * 0x1p-24, 0xbc57ac * 0x1p-24, 0x9b00db * 0x1p-24}));
}

TEST(Random, StreamsOfTheHostCanBeCountedFromANumberToo) {
  const int64_t base = 1000;
  std::vector<float> x(40), y(40);
  FillUniform(Cpu(), {.seed = 3, .number = 1007}, Contiguous(2, 40), 0.0f, 1.0f, x.data());
  FillUniform(Cpu(), {.seed = 3, .number = 7, .base = &base}, Contiguous(2, 40), 0.0f, 1.0f, y.data());
  EXPECT_EQ(x, y);
}

}  // namespace
}  // namespace orbit::kernels
