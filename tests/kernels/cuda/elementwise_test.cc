// Elementwise functions, sums and maxima along axes on a GPU agree with the host: sizes that fill vectors or do not,
// aligned and unaligned arrays, operands broadcast along every axis, few sums of many terms and many of few, NaN.
#include "kernels/elementwise.h"

#include <limits>

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
double Tolerance() {
  return sizeof(T) == 2 ? 0.008 : sizeof(T) == 4 ? 2e-6 : 1e-14;
}

template <class T>
void CompareUnary(Unary function, int64_t size, int64_t offset) {
  SCOPED_TRACE(testing::Message() << "function " << static_cast<int>(function) << " of " << size << " at " << offset);
  std::vector<T> x = Normal<T>(size + offset, 1), dy = Normal<T>(x.size(), 2), y(x.size()), dx(x.size());
  using S = SumType<T>;
  if (function == Unary::kLog || function == Unary::kSqrt)
    for (T& value : x) value = FromSumType<T>(std::abs(ToSumType(value)) + S(0.1));
  const S a = S(-0.4), b = S(0.7);
  UnaryForward(Cpu(), function, size, a, b, x.data() + offset, y.data() + offset);
  UnaryBackward(Cpu(), function, size, a, b, x.data() + offset, y.data() + offset, dy.data() + offset,
                dx.data() + offset);
  const OnGpu<T> on_x(x), on_dy(dy), on_y(std::vector<T>(x.size(), T{})), on_dx(std::vector<T>(x.size(), T{}));
  UnaryForward(Gpu(), function, size, a, b, on_x.data() + offset, on_y.data() + offset);
  UnaryBackward(Gpu(), function, size, a, b, on_x.data() + offset, on_y.data() + offset, on_dy.data() + offset,
                on_dx.data() + offset);
  ExpectNear(y, on_y.Get(), Tolerance<T>(), "y");
  ExpectNear(dx, on_dx.Get(), sizeof(T) == 2 ? Tolerance<T>() : 10 * Tolerance<T>(), "dx");
  OnGpu<T> on_sum(dy);
  std::vector<T> sum = dy;
  Accumulate(Cpu(), size, x.data() + offset, sum.data() + offset);
  Accumulate(Gpu(), size, on_x.data() + offset, on_sum.data() + offset);
  EXPECT_EQ(sum, on_sum.Get());
}

TEST(Elementwise, FunctionsOfOneElement) {
  SetNumThreads(1);
  for (int function = 0; function <= static_cast<int>(Unary::kClamp); ++function)
    for (const int64_t size : {0, 1, 31, 33, 2052}) {
      CompareUnary<float>(static_cast<Unary>(function), size, 0);
      CompareUnary<double>(static_cast<Unary>(function), size, size == 33 ? 1 : 0);
      CompareUnary<BFloat16>(static_cast<Unary>(function), size, 0);
    }
  CompareUnary<float>(Unary::kTanh, 64, 1);
  CompareUnary<BFloat16>(Unary::kTanh, 64, 1);
}

TEST(Elementwise, NaNPassesThroughReluAndClamp) {
  const OnGpu<float> x(std::vector<float>(4, NAN)), y(4);
  for (const Unary function : {Unary::kRelu, Unary::kLeakyRelu, Unary::kClamp, Unary::kAbs}) {
    UnaryForward(Gpu(), function, 4, 0.0f, 1.0f, x.data(), y.data());
    for (const float value : y.Get()) EXPECT_TRUE(std::isnan(value)) << static_cast<int>(function);
  }
}

template <class From, class To>
void CompareConverted(const std::vector<From>& x) {
  for (const size_t offset : {0, 1}) {
    std::vector<To> y(x.size(), To{});
    Convert(Cpu(), x.size() - offset, x.data() + offset, y.data() + offset);
    const OnGpu<From> on_x(x);
    const OnGpu<To> on_y(std::vector<To>(x.size(), To{}));
    Convert(Gpu(), x.size() - offset, static_cast<const From*>(on_x.data() + offset), on_y.data() + offset);
    EXPECT_EQ(y, on_y.Get());
    for (size_t i = offset; i < x.size(); ++i) {
      const double exact = ToSumType(x[i]), half_a_step = sizeof(To) == 2 ? 0x1p-8 : 0x1p-24;
      EXPECT_NEAR(ToSumType(y[i]), exact, half_a_step * std::abs(exact)) << i;
    }
  }
}

TEST(Elementwise, ConvertsBetweenPrecisions) {
  SetNumThreads(1);
  for (const size_t size : {32, 33}) {
    CompareConverted<double, float>(Normal<double>(size, 1));
    CompareConverted<double, BFloat16>(Normal<double>(size, 1));
    CompareConverted<float, double>(Normal<float>(size, 1));
    CompareConverted<float, BFloat16>(Normal<float>(size, 1));
    CompareConverted<BFloat16, float>(Normal<BFloat16>(size, 1));
    CompareConverted<BFloat16, double>(Normal<BFloat16>(size, 1));
    std::vector<uint8_t> bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(7 * i);
    CompareConverted<uint8_t, float>(bytes);
    CompareConverted<uint8_t, BFloat16>(bytes);
  }
}

// a and b are contiguous along the axes that they have.
template <class T>
void CompareBinary(const std::vector<int64_t>& size, const std::vector<bool>& has_a, const std::vector<bool>& has_b) {
  Broadcast shape;
  shape.axes = static_cast<int>(size.size());
  int64_t a_size = 1, b_size = 1, y_size = 1;
  for (int i = shape.axes - 1; i >= 0; --i) {
    shape.size[i] = size[i];
    shape.a_stride[i] = has_a[i] ? a_size : 0;
    shape.b_stride[i] = has_b[i] ? b_size : 0;
    a_size *= has_a[i] ? size[i] : 1;
    b_size *= has_b[i] ? size[i] : 1;
    y_size *= size[i];
  }
  const std::vector<T> a = Normal<T>(a_size, 1), b = Normal<T>(b_size, 2);
  const OnGpu<T> on_a(a), on_b(b);
  for (const Binary function : {Binary::kAdd, Binary::kSubtract, Binary::kMultiply, Binary::kDivide}) {
    std::vector<T> y(y_size);
    const OnGpu<T> on_y(y_size);
    BinaryForward(Cpu(), function, shape, a.data(), b.data(), y.data());
    BinaryForward(Gpu(), function, shape, on_a.data(), on_b.data(), on_y.data());
    ExpectNear(y, on_y.Get(), Tolerance<T>(), "y");
  }
}

TEST(Elementwise, FunctionsOfTwoElementsBroadcast) {
  SetNumThreads(1);
  for (const int64_t last : {4, 7}) {
    CompareBinary<float>({3, last}, {true, true}, {true, true});
    CompareBinary<float>({3, last}, {true, true}, {false, true});
    CompareBinary<double>({3, last}, {true, false}, {true, true});
    CompareBinary<float>({3, last}, {false, false}, {true, true});
    CompareBinary<double>({2, 3, last}, {true, false, true}, {false, true, true});
    CompareBinary<float>({2, 3, 5, last}, {true, false, true, false}, {false, true, false, true});
    CompareBinary<float>({2, 3, 2, 3, last}, {true, false, true, false, true}, {false, true, false, true, true});
  }
  for (const int64_t last : {7, 8}) {
    CompareBinary<BFloat16>({3, last}, {true, true}, {false, true});
    CompareBinary<BFloat16>({2, 3, 5, last}, {true, false, true, false}, {false, true, false, true});
  }
  CompareBinary<float>({}, {}, {});
  CompareBinary<double>({5, 0}, {true, true}, {true, false});
  CompareBinary<float>({1000}, {true}, {false});
}

template <class T>
void CompareAxis(int64_t outer, int64_t middle, int64_t inner) {
  SCOPED_TRACE(testing::Message() << outer << " x " << middle << " x " << inner);
  const int64_t size = outer * middle * inner, sums = outer * inner;
  using S = SumType<T>;
  std::vector<T> x = Normal<T>(size, 1), expanded(size), largest(sums), dx(size);
  std::vector<S> y(sums);
  if (size > 5) x[size / 2] = x[size / 3];  // equals
  std::vector<int32_t> index(sums);
  const std::vector<T> dy = Normal<T>(sums, 2);
  SumAxis(Cpu(), outer, middle, inner, S(0.5), x.data(), y.data());
  ExpandAxis(Cpu(), outer, middle, inner, S(0.5), dy.data(), expanded.data());
  const OnGpu<T> on_x(x), on_dy(dy), on_expanded(size), on_largest(sums), on_dx(size);
  const OnGpu<S> on_y(sums);
  const OnGpu<int32_t> on_index(sums);
  SumAxis(Gpu(), outer, middle, inner, S(0.5), on_x.data(), on_y.data());
  ExpectNear(y, on_y.Get(), 20 * Tolerance<S>(), "sums");
  ExpandAxis(Gpu(), outer, middle, inner, S(0.5), on_dy.data(), on_expanded.data());
  EXPECT_EQ(expanded, on_expanded.Get());
  if constexpr (!std::is_same_v<T, BFloat16>) {
    if (middle == 0) return;
    MaxAxis(Cpu(), outer, middle, inner, x.data(), largest.data(), index.data());
    MaxAxisBackward(Cpu(), outer, middle, inner, index.data(), dy.data(), dx.data());
    MaxAxis(Gpu(), outer, middle, inner, on_x.data(), on_largest.data(), on_index.data());
    EXPECT_EQ(largest, on_largest.Get());
    EXPECT_EQ(index, on_index.Get());
    MaxAxisBackward(Gpu(), outer, middle, inner, on_index.data(), on_dy.data(), on_dx.data());
    EXPECT_EQ(dx, on_dx.Get());
  }
}

TEST(Elementwise, SumsAndMaximaAlongAnAxis) {
  SetNumThreads(1);
  for (const int64_t inner : {1, 3, 4, 33}) {
    CompareAxis<float>(5, 7, inner);
    CompareAxis<double>(3, 1, inner);
    CompareAxis<float>(2, 301, inner);
    CompareAxis<double>(0, 3, inner);
    CompareAxis<float>(3, 0, inner);
    CompareAxis<BFloat16>(2, 301, inner);
  }
  for (const int64_t inner : {8, 16}) CompareAxis<BFloat16>(3, 70, inner);
  CompareAxis<float>(1, 5000, 1);
  for (const int64_t middle : {15, 16, 31, 32, 33, 64}) CompareAxis<float>(9, middle, 1);
  CompareAxis<double>(1, 3000, 6);
  // Parts of long columns: whole tiles, ragged ones, several groups, terms that the threads of a block do not divide.
  CompareAxis<float>(1, 1000, 260);
  CompareAxis<float>(3, 700, 33);
  CompareAxis<BFloat16>(1, 1031, 24);
  CompareAxis<float>(2, 4099, 1);
  CompareAxis<float>(2, 31, 0);
}

TEST(Elementwise, NaNIsTheLargest) {
  const OnGpu<float> x(std::vector<float>{1, NAN, 3, NAN}), y(1);
  const OnGpu<int32_t> index(1);
  MaxAxis(Gpu(), 1, 4, 1, x.data(), y.data(), index.data());
  EXPECT_TRUE(std::isnan(y.Get()[0]));
  EXPECT_EQ(index.Get()[0], 1);
}

TEST(Elementwise, OfEqualMaximaTheFirstIsTaken) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const int64_t size : {20, 100}) {
    for (const float value : {-kInfinity, 7.0f, NAN}) {
      std::vector<float> row(size, -kInfinity);
      if (value == value && size == 100) row[3] = 6;
      for (const int64_t place : {size - 1, size - 3, size / 2}) row[place] = value;
      const OnGpu<float> x(row), y(1);
      const OnGpu<int32_t> index(1);
      MaxAxis(Gpu(), 1, size, 1, x.data(), y.data(), index.data());
      const int32_t expected = value == -kInfinity ? (size == 100 ? 3 : 0) : static_cast<int32_t>(size / 2);
      EXPECT_EQ(index.Get()[0], expected) << value << " among " << size;
    }
  }
}

TEST(Elementwise, SumsAreTheSameInEverySchedule) {
  SetNumThreads(1);
  ForEachSchedule([] { CompareAxis<float>(1, 700, 2); });
}

}  // namespace
}  // namespace orbit::kernels
