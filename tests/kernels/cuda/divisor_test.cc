// Division by multiplication is division: at the ends of the range, around multiples of the divisor, at random.
#include "kernels/cuda/divisor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace orbit::kernels {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

void Compare(int64_t dividend, int64_t divisor) {
  int64_t rest = -1;
  ASSERT_EQ(Divisor(divisor).Divide(dividend, rest), dividend / divisor) << dividend << " / " << divisor;
  ASSERT_EQ(rest, dividend % divisor) << dividend << " % " << divisor;
  ASSERT_EQ(Divisor(divisor).Divide(dividend), dividend / divisor);
}

void CompareAround(int64_t dividend, int64_t divisor) {
  for (const int64_t n : {dividend - 1, dividend, dividend + (dividend < kMost ? 1 : 0)})
    Compare(std::max<int64_t>(n, 0), divisor);
}

TEST(Divisor, DividesAsTheLanguageDoes) {
  std::mt19937_64 random(1);
  // Numbers of all lengths.
  const auto draw = [&](int bits) { return static_cast<int64_t>(random() >> (64 - bits)); };
  std::vector<int64_t> divisors = {kMost, kMost - 1, int64_t{1} << 62, (int64_t{1} << 62) + 1};
  for (int64_t d = 1; d <= 1030; ++d) divisors.push_back(d);
  for (int i = 0; i < 2000; ++i) divisors.push_back(std::max<int64_t>(draw(1 + i % 63), 1));
  for (const int64_t divisor : divisors) {
    for (const int64_t dividend : {int64_t{0}, divisor, kMost, kMost / divisor * divisor})
      CompareAround(dividend, divisor);
    for (int bits = 1; bits <= 63; bits += 3) CompareAround(draw(bits) / divisor * divisor, divisor);
  }
}

}  // namespace
}  // namespace orbit::kernels
