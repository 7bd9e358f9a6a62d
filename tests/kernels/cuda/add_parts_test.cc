// Sums of parts on a GPU are the host's to the bit, and those are rounded once.
#include "kernels/add_parts.h"

#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

std::vector<BFloat16> OnHost(int64_t count, int64_t size, const std::vector<BFloat16>& parts) {
  std::vector<BFloat16> sum(size);
  AddParts(Cpu(), count, size, parts.data(), sum.data());
  return sum;
}

// The sum lies `offset` elements behind the start of its memory.
void CompareWithHost(int64_t count, int64_t size, int64_t offset = 0) {
  SCOPED_TRACE(testing::Message() << count << " x " << size << " at " << offset);
  const std::vector<BFloat16> parts = Normal<BFloat16>(count * size, static_cast<int>(size));
  const OnGpu<BFloat16> on_parts(parts), on_sum(offset + size);
  AddParts(Gpu(), count, size, on_parts.data(), on_sum.data() + offset);
  const std::vector<BFloat16> sum = on_sum.Get();
  EXPECT_EQ(OnHost(count, size, parts), std::vector<BFloat16>(sum.begin() + offset, sum.end()));
}

TEST(AddParts, AgreesWithTheHost) {
  ForEachSchedule([] {
    for (const int64_t count : {1, 2, 3, 8})
      for (const int64_t size : {0, 1, 8, 31, 33, 2056, 2063}) CompareWithHost(count, size);
    CompareWithHost(3, 64, 1);  // no place for vectors
  });
}

TEST(AddParts, AddsInOrderAndRoundsOnce) {
  // In bf16 every single 1 beside 256 would be rounded away; in f32 1 is beside 2^25.
  const std::vector<BFloat16> parts = Rounded({256, 1, 0x1p25f, -0.f,  //
                                               1, 0x1p25f, 1, -0.f,    //
                                               1, -0x1p25f, -0x1p25f, -0.f});
  const std::vector<BFloat16> sum = Rounded({258, 0, 0, -0.f});
  EXPECT_EQ(OnHost(3, 4, parts), sum);
  const OnGpu<BFloat16> on_parts(parts), on_sum(4);
  AddParts(Gpu(), 3, 4, on_parts.data(), on_sum.data());
  EXPECT_EQ(on_sum.Get(), sum);
}

}  // namespace
}  // namespace orbit::kernels
