// Random numbers on a GPU are those of the host: the same bits of uniform numbers and of dropout, normal numbers up to
// the rounding of sine, cosine and logarithm; from any place of a stream, into any place of memory.
#include "kernels/random.h"

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(int64_t first, int64_t size, int64_t offset) {
  SCOPED_TRACE(testing::Message() << size << " numbers from " << first << ", at " << offset);
  SetNumThreads(1);
  const RandomStream stream = {.seed = 0x123456789abcdefull, .number = 0xfedcba9876543210ull};
  std::vector<T> uniform(size), normal(size), dropped(size), x = Normal<T>(size, 1);
  FillUniform(Cpu(), stream, first, size, T(-1.3), T(2.7), uniform.data());
  FillNormal(Cpu(), stream, first, size, T(0.5), T(2), normal.data());
  Dropout(Cpu(), stream, first, size, 0.3, x.data(), dropped.data());
  // The same stream again, counted from a number in the GPU's memory.
  const std::vector<int64_t> base = {(int64_t{3} << 56) + 5};
  const OnGpu<int64_t> on_base(base);
  const RandomStream from_base = {stream.seed, stream.number - static_cast<uint64_t>(base[0]), on_base.data()};
  const OnGpu<T> on_x(x);
  for (const RandomStream& same : {stream, from_base}) {
    const OnGpu<T> on_uniform(size + offset), on_normal(size + offset), on_dropped(size + offset);
    FillUniform(Gpu(), same, first, size, T(-1.3), T(2.7), on_uniform.data() + offset);
    FillNormal(Gpu(), same, first, size, T(0.5), T(2), on_normal.data() + offset);
    Dropout(Gpu(), same, first, size, 0.3, on_x.data(), on_dropped.data() + offset);
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
      CompareWithHost<float>(first, size, 0);
      CompareWithHost<double>(first, size, 0);
    }
  CompareWithHost<float>(int64_t{1} << 36, 40, 1);
  CompareWithHost<float>((int64_t{1} << 34) - 9, 40, 0);  // where the number of the block outgrows 32 bits
  CompareWithHost<double>((int64_t{1} << 34) - 9, 40, 1);
  CompareWithHost<double>((int64_t{1} << 62) + 5, 33, 0);
  CompareWithHost<double>(4, 41, 3);
}

// The first known answer of Random123, whose generator cuRAND's Philox4_32_10 is too, to 24 bits.
TEST(Random, IsPhilox) {
  const OnGpu<double> x(4);
  FillUniform(Gpu(), RandomStream(), 0, 4, 0.0, 1.0, x.data());
  EXPECT_EQ(x.Get(),
            (std::vector<double>{0x6627e8 * 0x1p-24, 0xe169c5 * 0x1p-24, 0xbc57ac * 0x1p-24, 0x9b00db * 0x1p-24}));
}

TEST(Random, StreamsOfTheHostCanBeCountedFromANumberToo) {
  const int64_t base = 1000;
  std::vector<float> x(40), y(40);
  FillUniform(Cpu(), {.seed = 3, .number = 1007}, 2, 40, 0.0f, 1.0f, x.data());
  FillUniform(Cpu(), {.seed = 3, .number = 7, .base = &base}, 2, 40, 0.0f, 1.0f, y.data());
  EXPECT_EQ(x, y);
}

}  // namespace
}  // namespace orbit::kernels
