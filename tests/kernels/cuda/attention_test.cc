// Attention on a GPU agrees with the host, forward and backward: heads of every width; sequences shorter than a warp,
// of about one tile and of several; so many pairs that the last block is not full. On tensor cores it agrees as closely
// as bf16 allows.
#include "kernels/attention.h"

#include <array>
#include <bit>
#include <stdexcept>

#include "kernels/alternatives.h"
#include "kernels/error.h"
#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

#ifndef ORBIT_TEST_CUDA
#include "kernels/cuda/gpu.h"
#endif

namespace orbit::kernels {
namespace {

#ifdef ORBIT_TEST_CUDA
constexpr bool kSmallCasesOnly = false;
#else
constexpr bool kSmallCasesOnly = ORBIT_SIMT_SANITIZER == ORBIT_SIMT_TSAN;  // forty times slower
#endif

template <class T>
void CompareWithHost(const AttentionShape& shape, bool all_schedules = true) {
  SCOPED_TRACE(testing::Message() << shape.sequences << " sequences of " << shape.tokens << " tokens, " << shape.heads
                                  << " heads of " << shape.channels);
  SetNumThreads(1);
  const int64_t size = shape.rows() * shape.width(), sums = shape.rows() * shape.heads;
  const std::vector<T> projected = Normal<T>(3 * size, 1), dy = Normal<T>(size, 2);
  std::vector<T> y(size), log_sums(sums), dprojected(3 * size);
  AttentionForward(Cpu(), shape, projected.data(), y.data(), log_sums.data());
  AttentionBackward(Cpu(), shape, projected.data(), y.data(), log_sums.data(), dy.data(), dprojected.data());
  const OnGpu<T> on_projected(projected), on_dy(dy);
  const double tolerance = sizeof(T) == 4 ? 5e-5 : 1e-12;
  const auto compare = [&] {
    const OnGpu<T> on_y(size), on_log_sums(sums), on_dprojected(3 * size);
    AttentionForward(Gpu(), shape, on_projected.data(), on_y.data(), on_log_sums.data());
    ExpectNear(y, on_y.Get(), tolerance, "y");
    ExpectNear(log_sums, on_log_sums.Get(), tolerance, "log_sums");
    AttentionBackward(Gpu(), shape, on_projected.data(), on_y.data(), on_log_sums.data(), on_dy.data(),
                      on_dprojected.data());
    ExpectNear(dprojected, on_dprojected.Get(), tolerance, "dprojected");
  };
  if (all_schedules)
    ForEachSchedule(compare);
  else
    compare();
}

TEST(Attention, ShortSequences) {
  CompareWithHost<float>({3, 25, 4, 16});
  CompareWithHost<double>({2, 25, 2, 16});
  CompareWithHost<float>({5, 1, 1, 1});
  CompareWithHost<float>({1, 31, 3, 6});
  CompareWithHost<double>({1, 33, 1, 3});
}

TEST(Attention, HeadsOfEveryWidth) {
  for (const int64_t channels : {4, 8, 20, 32, 64, 128}) {
    CompareWithHost<float>({1, 9, 2, channels}, /*all_schedules=*/false);
    CompareWithHost<double>({1, 9, 2, channels}, /*all_schedules=*/false);
  }
  const float* none = nullptr;
  EXPECT_THROW(
      AttentionForward(Gpu(), {1, 1, 1, 129}, none, static_cast<float*>(nullptr), static_cast<float*>(nullptr)), Error);
}

TEST(Attention, LongerSequences) {
  CompareWithHost<float>({1, 67, 1, 33});
  CompareWithHost<float>({1, 197, 1, 64}, /*all_schedules=*/false);
  CompareWithHost<double>({1, 130, 2, 5}, /*all_schedules=*/false);
  if (!kSmallCasesOnly) CompareWithHost<float>({1, 1024, 1, 8}, /*all_schedules=*/false);
  CompareWithHost<float>({0, 25, 4, 16});
}

// A mask of every pair of queries and keys, heads that share one, and padding: keys from some number on are left out
// for all queries. In one sequence a query has no key.
template <class T>
void CompareMasked(const AttentionShape& shape, const std::array<int64_t, 4>& sizes, double tolerance) {
  SetNumThreads(1);
  using S = SumType<T>;
  const int64_t size = shape.rows() * shape.width(), sums = shape.rows() * shape.heads;
  std::vector<S> added = Normal<S>(sizes[0] * sizes[1] * sizes[2] * sizes[3], 3);
  for (size_t i = 0; i < added.size(); i += 3) added[i] = -std::numeric_limits<S>::infinity();
  std::fill_n(added.begin(), sizes[3], -std::numeric_limits<S>::infinity());
  const std::array<int64_t, 4> steps = {sizes[1] * sizes[2] * sizes[3], sizes[2] * sizes[3], sizes[3], 1};
  const auto stride = [&](int axis) { return sizes[axis] > 1 ? steps[axis] : 0; };
  const OnGpu<S> on_added(added);
  const AttentionMask<S> mask = {added.data(), stride(0), stride(1), stride(2), stride(3)},
                         on_mask = {on_added.data(), stride(0), stride(1), stride(2), stride(3)};
  const auto as = [](const std::vector<float>& x) {
    if constexpr (std::is_same_v<T, BFloat16>)
      return Rounded(x);
    else
      return std::vector<T>(x.begin(), x.end());
  };
  const std::vector<T> projected = as(Normal<float>(3 * size, 1)), dy = as(Normal<float>(size, 2));
  std::vector<T> y(size), dprojected(3 * size);
  std::vector<S> log_sums(sums);
  AttentionForward(Cpu(), shape, projected.data(), y.data(), log_sums.data(), mask);
  AttentionBackward(Cpu(), shape, projected.data(), y.data(), log_sums.data(), dy.data(), dprojected.data(), mask);
  EXPECT_EQ(log_sums[0], std::numeric_limits<S>::infinity());
  const auto floats = [](const std::vector<T>& x) {
    std::vector<double> values;
    for (const T value : x) values.push_back(ToSumType(value));
    return values;
  };
  EXPECT_EQ(floats(y)[0], 0);
  const OnGpu<T> on_projected(projected), on_dy(dy);
  ForEachSchedule([&] {
    const OnGpu<T> on_y(size), on_dprojected(3 * size);
    const OnGpu<S> on_log_sums(sums);
    AttentionForward(Gpu(), shape, on_projected.data(), on_y.data(), on_log_sums.data(), on_mask);
    ExpectNear(floats(y), floats(on_y.Get()), tolerance, "y");
    AttentionBackward(Gpu(), shape, on_projected.data(), on_y.data(), on_log_sums.data(), on_dy.data(),
                      on_dprojected.data(), on_mask);
    ExpectNear(floats(dprojected), floats(on_dprojected.Get()), tolerance, "dprojected");
  });
}

TEST(Attention, Masks) {
  CompareMasked<double>({2, 9, 2, 5}, {2, 2, 9, 9}, 1e-12);
  CompareMasked<float>({3, 33, 2, 16}, {3, 1, 1, 33}, 5e-5);
  CompareMasked<float>({2, 35, 2, 20}, {1, 1, 35, 35}, 5e-5);
  CompareMasked<BFloat16>({2, 19, 2, 16}, {2, 1, 19, 19}, 0.02);
}

// ---- on tensor cores ----

// Operands and results of bf16 are rounded to 8 bits, an error of 0.1 % each, and of TF32 to 11. An extra or missing
// key would be noticed in short sequences, a wrong fragment or scale in all.
constexpr double Tolerance(Precision precision) { return precision == Precision::kBf16 ? 0.02 : 0.002; }

template <class T>
std::vector<T> As(const std::vector<float>& x) {
  if constexpr (std::is_same_v<T, BFloat16>)
    return Rounded(x);
  else
    return x;
}

// Rounded to the 11 bits of TF32, ties away from 0.
std::vector<float> InTf32(std::vector<float> x) {
  for (float& value : x) value = std::bit_cast<float>((std::bit_cast<uint32_t>(value) + 0x1000u) & 0xffffe000u);
  return x;
}

struct How {
  bool all_schedules = false;
  int64_t offset = 0;  // where the arrays start, in elements, to be unaligned
  float away = 0;      // what queries are shifted by, and keys by its negative
  Precision precision = Precision::kBf16;
};

// T is BFloat16, or float that is rounded.
template <class T>
void CompareOnTensorCores(const AttentionShape& shape, const How& how = {}) {
  const auto [all_schedules, offset, away, precision] = how;
  SCOPED_TRACE(testing::Message() << shape.sequences << " sequences of " << shape.tokens << " tokens, " << shape.heads
                                  << " heads of " << shape.channels << ", " << sizeof(T) << " bytes, offset "
                                  << how.offset << ", precision " << static_cast<int>(how.precision));
  SetNumThreads(1);
  const Gpu gpu{.precision = precision};
  const double tolerance =
      Tolerance(precision) * (1 + away);  // gradients of scores, whose sum is 0, are multiplied by larger numbers
  const int64_t size = shape.rows() * shape.width(), sums = shape.rows() * shape.heads;
  std::vector<float> projected = Normal<float>(3 * size, 1);
  for (int64_t i = 0; i < 3 * size; ++i) projected[i] += std::array{away, -away, 0.0f}[i / shape.width() % 3];
  std::vector<float> dy = Normal<float>(size, 2);
  const bool is_tf32 = precision == Precision::kTf32;  // the kernels round
  if (!is_tf32) projected = Floats(Rounded(projected)), dy = Floats(Rounded(dy));
  const std::vector<float> operands = is_tf32 ? InTf32(projected) : projected, doperands = is_tf32 ? InTf32(dy) : dy;
  std::vector<float> y(size), log_sums(sums), dprojected(3 * size);
  AttentionForward(Cpu(), shape, operands.data(), y.data(), log_sums.data());
  AttentionBackward(Cpu(), shape, operands.data(), y.data(), log_sums.data(), doperands.data(), dprojected.data());
  const auto moved = [&](const std::vector<float>& x) {
    std::vector<float> longer(offset);
    longer.insert(longer.end(), x.begin(), x.end());
    return As<T>(longer);
  };
  const OnGpu<T> on_projected(moved(projected)), on_dy(moved(dy));
  const auto get = [&](const OnGpu<T>& array) {
    const std::vector<float> all = Floats(array.Get());
    return std::vector<float>(all.begin() + offset, all.end());
  };
  std::vector<float> first_y, first_dprojected;
  const auto compare = [&] {
    const OnGpu<T> on_y(offset + size), on_dprojected(offset + 3 * size);
    const OnGpu<float> on_log_sums(sums);
    AttentionForward(gpu, shape, on_projected.data() + offset, on_y.data() + offset, on_log_sums.data());
    ExpectRowsNear(y, get(on_y), shape.channels, tolerance, "y");
    ExpectNear(log_sums, on_log_sums.Get(), 1e-4, "log_sums");
    AttentionBackward(gpu, shape, on_projected.data() + offset, on_y.data() + offset, on_log_sums.data(),
                      on_dy.data() + offset, on_dprojected.data() + offset);
    ExpectRowsNear(dprojected, get(on_dprojected), shape.channels, tolerance, "dprojected");
    if (first_y.empty()) first_y = get(on_y), first_dprojected = get(on_dprojected);
    EXPECT_EQ(first_y, get(on_y)) << "not the same bits again";
    EXPECT_EQ(first_dprojected, get(on_dprojected)) << "not the same bits again";
  };
  if (all_schedules)
    ForEachSchedule(compare);
  else
    compare();
}

TEST(AttentionOnTensorCores, SequencesOfEveryLength) {
  for (const int64_t tokens : {1, 15, 16, 17, 25, 31, 33})
    CompareOnTensorCores<BFloat16>({2, tokens, 2, 16}, {.all_schedules = true});
  for (const int64_t tokens : {63, 64, 65}) CompareOnTensorCores<BFloat16>({1, tokens, 1, 32});
  CompareOnTensorCores<float>({3, 25, 4, 16}, {.all_schedules = true});
  CompareOnTensorCores<float>({1, 33, 1, 64});
  if (kSmallCasesOnly) return;
  CompareOnTensorCores<BFloat16>({1, 197, 2, 64});
  CompareOnTensorCores<float>({1, 197, 1, 64});
  CompareOnTensorCores<BFloat16>({1, 200, 1, 128});
  CompareOnTensorCores<BFloat16>({1, 97, 1, 24});
  CompareOnTensorCores<BFloat16>({1, 256, 1, 64});  // exactly the largest block
}

// More pairs than the device holds at a time: a multiprocessor holds four blocks of these at most, a block three pairs
// or one.
TEST(AttentionOnTensorCores, BlocksWithSeveralTurns) {
  const int64_t multiprocessors = Multiprocessors(Gpu());
  CompareOnTensorCores<BFloat16>({6 * multiprocessors + 1, 33, 4, 16}, {.all_schedules = true});
  if (!kSmallCasesOnly) CompareOnTensorCores<BFloat16>({2 * multiprocessors + 1, 197, 2, 64});
}

// A missing key has score 0, which is far above these scores.
TEST(AttentionOnTensorCores, ScoresFarBelowZero) {
  for (const int64_t tokens : {19, 260}) CompareOnTensorCores<BFloat16>({1, tokens, 1, 16}, {.away = 6});
}

TEST(AttentionOnTensorCores, HeadsOfEveryWidth) {
  for (const int64_t channels : {8, 16, 24, 32, 48, 64, 128}) {
    CompareOnTensorCores<BFloat16>({1, 19, 2, channels});
    CompareOnTensorCores<float>({1, 19, 2, channels});
  }
  const BFloat16* none = nullptr;
  EXPECT_THROW(
      AttentionForward(Gpu(), {1, 1, 1, 129}, none, static_cast<BFloat16*>(nullptr), static_cast<float*>(nullptr)),
      Error);
}

TEST(AttentionOnTensorCores, CanBeLeftOut) {
  const bool before = IsUsed(Alternative::kAttentionTensorCore);
  SetUsed(Alternative::kAttentionTensorCore, false);
  CompareOnTensorCores<BFloat16>({2, 19, 2, 24});
  CompareOnTensorCores<float>({1, 33, 1, 64});
  EXPECT_THROW((AttentionForward<Gpu, BFloat16>(Gpu(), {1, 1, 1, 129}, nullptr, nullptr, nullptr)), Error);
  SetUsed(Alternative::kAttentionTensorCore, before);
}

TEST(AttentionOnTensorCores, RowsThatAreNotAligned) {
  for (const int64_t channels : {1, 3, 20, 33}) {
    CompareOnTensorCores<BFloat16>({1, 18, 2, channels});
    CompareOnTensorCores<float>({1, 18, 2, channels});
  }
  for (const int64_t channels : {16, 64}) {
    CompareOnTensorCores<BFloat16>({1, 18, 2, channels}, {.offset = 1});
    CompareOnTensorCores<float>({1, 18, 2, channels}, {.offset = 1});
  }
  if (!kSmallCasesOnly) CompareOnTensorCores<BFloat16>({1, 260, 1, 9});
}

TEST(AttentionOnTensorCores, LongSequences) {
  CompareOnTensorCores<BFloat16>({1, 257, 1, 16}, {.all_schedules = !kSmallCasesOnly});
  if (kSmallCasesOnly) return;
  CompareOnTensorCores<float>({1, 330, 2, 16});
  CompareOnTensorCores<BFloat16>({1, 300, 1, 64});
  CompareOnTensorCores<BFloat16>({1, 256, 1, 128});
  CompareOnTensorCores<BFloat16>({1, 1024, 1, 24});
  CompareOnTensorCores<BFloat16>({0, 300, 1, 64});
}

// By warpgroups, the forward: sequences of less than a warpgroup's queries, of one block and of several; last keys of
// one step and of a whole tile.
TEST(AttentionOnTensorCores, ByWarpgroups) {
  const bool before = IsUsed(Alternative::kAttentionWgmma);
#ifdef ORBIT_TEST_CUDA
  if (!before)
    GTEST_SKIP() << "on a GPU only with ORBIT_WITH=attention_wgmma, so that all else is tested where this fails";
#endif
  SetUsed(Alternative::kAttentionWgmma, true);
  for (const int64_t tokens : {1, 16, 33}) CompareOnTensorCores<BFloat16>({2, tokens, 2, 64}, {.all_schedules = true});
  CompareOnTensorCores<BFloat16>({1, 19, 1, 64}, {.away = 6});
  CompareOnTensorCores<BFloat16>({1, 70, 1, 64}, {.all_schedules = !kSmallCasesOnly});
  if (!kSmallCasesOnly)
    for (const int64_t tokens : {64, 113, 128, 197, 257}) CompareOnTensorCores<BFloat16>({1, tokens, 2, 64});
  // What warpgroups do not take.
  for (const int64_t channels : {32, 128}) CompareOnTensorCores<BFloat16>({1, 19, 2, channels});
  CompareOnTensorCores<BFloat16>({1, 18, 2, 64}, {.offset = 1});
  CompareOnTensorCores<float>({1, 19, 2, 64});
  CompareOnTensorCores<BFloat16>({0, 300, 1, 64});
  SetUsed(Alternative::kAttentionWgmma, before);
}

TEST(AttentionOnTensorCores, InTf32) {
  const How how = {.precision = Precision::kTf32};
  for (const int64_t tokens : {1, 17, 33}) CompareOnTensorCores<float>({2, tokens, 2, 16}, how);
  CompareOnTensorCores<float>({3, 25, 4, 16}, {.all_schedules = true, .precision = Precision::kTf32});
  for (const int64_t channels : {3, 8, 24, 32, 64}) CompareOnTensorCores<float>({1, 19, 2, channels}, how);
  CompareOnTensorCores<float>({1, 18, 2, 24}, {.offset = 1, .precision = Precision::kTf32});
  CompareOnTensorCores<float>({1, 19, 1, 16}, {.away = 6, .precision = Precision::kTf32});
  CompareOnTensorCores<float>({1, 65, 1, 64}, how);
  if (kSmallCasesOnly) return;
  for (const int64_t tokens : {128, 129, 197}) CompareOnTensorCores<float>({1, tokens, 1, 64}, how);
  CompareOnTensorCores<float>({1, 97, 1, 24}, how);
  CompareOnTensorCores<float>({1, 300, 1, 24}, how);
  CompareOnTensorCores<float>({1, 1024, 1, 16}, how);
}

TEST(AttentionOnTensorCores, OnlyWherePrecisionMayBeLower) {
  const auto forward = [](Precision precision, int64_t channels) {
    const AttentionShape shape = {1, 17, 1, channels};
    const int64_t size = shape.rows() * channels;
    const OnGpu<float> projected(Normal<float>(3 * size, 1)), log_sums(17), y(size);
    AttentionForward(Gpu{.precision = precision}, shape, projected.data(), y.data(), log_sums.data());
    return y.Get();
  };
  EXPECT_NE(forward(Precision::kF32, 16), forward(Precision::kTf32, 16));
  EXPECT_NE(forward(Precision::kF32, 16), forward(Precision::kBf16, 16));
  EXPECT_NE(forward(Precision::kTf32, 16), forward(Precision::kBf16, 16));
  EXPECT_EQ(forward(Precision::kF32, 65), forward(Precision::kTf32, 65));
  EXPECT_NE(forward(Precision::kF32, 65), forward(Precision::kBf16, 65));
}

}  // namespace
}  // namespace orbit::kernels
