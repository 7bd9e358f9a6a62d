// Random numbers depend only on seed, stream and global index. So a draw for parts equals the parts of a draw for the
// whole, however it is divided.
#include "engine/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "engine/ops/dropout.h"
#include "engine/ops/shape.h"
#include "kernels/parallel.h"

namespace orbit {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr int64_t kRows = 7, kSamples = 5;

class RandomTest : public testing::TestWithParam<const char*> {
 protected:
  const Device device_ = ParseDevice(GetParam());

  // Draws from a generator, one after the other: uniform and normal numbers for every row and sample, dropout of ones
  // of the folded shape, and shared numbers.
  std::vector<Tensor> Draw(Generator generator, int64_t rows, int64_t samples) const {
    std::vector<Tensor> drawn = {generator.Uniform({rows, samples, 3}, -1, 2, DType::kF64, device_),
                                 generator.Normal({rows * samples, 2, 3}, 1, 2, DType::kF32, device_)};
    const Tensor ones = Tensor::Full({rows * samples, 9}, 1, DType::kF64, device_);
    drawn.push_back(Dropout(ones, 0.4, generator).value());
    drawn.push_back(generator.UniformShared({2}, 0, 1, DType::kF64, device_));
    EXPECT_EQ(generator.stream(), 4u);
    for (Tensor& tensor : drawn) tensor = tensor.To(DType::kF64).To(Device{});
    return drawn;
  }

  // Checks that the draws of `part` are the elements for these rows and samples of the draws for the whole.
  void ExpectPart(const Generator& part, const Span& rows, const Span& samples) const {
    const std::vector<Tensor> all = Draw(Generator(5), kRows, kSamples), of = Draw(part, rows.count, samples.count);
    EXPECT_EQ(of[3].ToVector<double>(), all[3].ToVector<double>());
    for (size_t i = 0; i < 3; ++i) {
      const Variable unfolded = all[i].Reshape({kRows, kSamples, -1});
      const Variable slice = Slice(Slice(unfolded, 0, rows.first, rows.first + rows.count), 1, samples.first,
                                   samples.first + samples.count);
      EXPECT_EQ(of[i].ToVector<double>(), slice.value().ToVector<double>()) << "draw " << i;
    }
  }
};

TEST_P(RandomTest, ADrawByRowsIsPartOfTheWhole) {
  const Span samples = {0, kSamples, kSamples};
  for (const Span rows : {Span{0, 7, kRows}, Span{0, 2, kRows}, Span{2, 4, kRows}, Span{6, 1, kRows}}) {
    SCOPED_TRACE(testing::Message() << rows.count << " rows from " << rows.first);
    ExpectPart(Generator(5).WithRows(rows), rows, samples);
    ExpectPart(Generator(5).WithRows(rows).WithSamples(samples), rows, samples);
  }
}

TEST_P(RandomTest, ADrawBySamplesIsPartOfTheWhole) {
  for (const Span rows : {Span{0, 7, kRows}, Span{2, 4, kRows}, Span{6, 1, kRows}})
    for (const Span samples : {Span{0, 2, kSamples}, Span{2, 3, kSamples}, Span{4, 1, kSamples}}) {
      SCOPED_TRACE(testing::Message() << rows.count << " rows from " << rows.first << ", " << samples.count
                                      << " samples from " << samples.first);
      ExpectPart(Generator(5).WithRows(rows).WithSamples(samples), rows, samples);
    }
}

INSTANTIATE_TEST_SUITE_P(All, RandomTest, testing::Values("cpu", "simt"), [](const auto& info) { return info.param; });

TEST(GeneratorTest, NumbersAreAFunctionOfSeedStreamAndIndex) {
  Generator a(5), b(5), c(6);
  const std::vector<float> first = a.Normal({1000}, 0, 1).ToVector<float>();
  EXPECT_EQ(first, b.Normal({1000}, 0, 1).ToVector<float>());
  EXPECT_NE(first, c.Normal({1000}, 0, 1).ToVector<float>());
  EXPECT_NE(first, a.Normal({1000}, 0, 1).ToVector<float>());  // from the next stream
  kernels::SetNumThreads(1);
  Generator alone(5);
  EXPECT_EQ(alone.Normal({1000}, 0, 1).ToVector<float>(), first);
  kernels::SetNumThreads(2);
}

TEST(GeneratorTest, WhatIsNoPartIsRefused) {
  const Generator generator(5);
  EXPECT_THAT([&] { generator.WithRows({.first = 3, .count = 2, .total = 4}); },
              ThrowsMessage<Error>(HasSubstr("2 rows from 3 on, of 4")));
  EXPECT_THAT([&] { generator.WithSamples({.first = 0, .count = 1, .total = 4}); },
              ThrowsMessage<Error>(HasSubstr("samples of no rows")));
  Generator part = generator.WithRows({.first = 1, .count = 3, .total = 4});
  EXPECT_THAT([&] { part.Uniform({4, 2}, 0, 1); }, ThrowsMessage<Error>(HasSubstr("[4, 2] for 3 rows")));
  Generator samples = part.WithSamples({.first = 0, .count = 2, .total = 4});
  EXPECT_THAT(
      [&] {
        samples.Uniform({3, 4}, 0, 1);
      },
      ThrowsMessage<Error>(HasSubstr("[3, 4] for 3 rows of 2 samples")));
  EXPECT_EQ(samples.WithRows({}).Uniform({1000}, 0, 1).ToVector<float>(),
            Generator(5).Uniform({1000}, 0, 1).ToVector<float>());
}

TEST(GeneratorTest, MomentsAreRight) {
  Generator generator(7);
  const int64_t count = 1 << 20;
  const std::vector<double> normal = generator.Normal({count}, 1, 2, DType::kF64).ToVector<double>();
  const std::vector<double> uniform = generator.Uniform({count}, -1, 3, DType::kF64).ToVector<double>();
  double mean = 0, square = 0, fourth = 0, uniform_mean = 0;
  for (const double x : normal) {
    const double z = (x - 1) / 2;
    mean += z / count;
    square += z * z / count;
    fourth += z * z * z * z / count;
  }
  for (const double x : uniform) {
    ASSERT_GE(x, -1);
    ASSERT_LT(x, 3);
    uniform_mean += x / count;
  }
  EXPECT_NEAR(mean, 0, 0.005);
  EXPECT_NEAR(square, 1, 0.01);
  EXPECT_NEAR(fourth, 3, 0.05);
  EXPECT_NEAR(uniform_mean, 1, 0.01);
}

}  // namespace
}  // namespace orbit
