// The emulator finds mistakes. Each kernel here is right as Kernel<kRight> and has one mistake as Kernel<kWrong>, which
// must show as a wrong result under some schedule, as an error, or as a report of a sanitizer. The right kernels show
// nothing.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/matrix.h"
#include "kernels/cuda/wgmma.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

int race_reports = 0;

}  // namespace
}  // namespace orbit::kernels

// Called by ThreadSanitizer's runtime.
extern "C" [[gnu::no_sanitize("thread")]] void __tsan_on_report(void*) { ++orbit::kernels::race_reports; }

extern "C" const char* __tsan_default_options() {
  return "exitcode=0:symbolize=0:suppress_equal_stacks=0:suppress_equal_addresses=0:report_thread_leaks=0";
}

namespace orbit::kernels {
namespace {

constexpr bool kRight = true, kWrong = false;
constexpr bool kAsan = ORBIT_SIMT_SANITIZER == ORBIT_SIMT_ASAN, kTsan = ORBIT_SIMT_SANITIZER == ORBIT_SIMT_TSAN;

// What is found under schedules of every kind.
struct Findings {
  bool wrong_results = false, races = false;
  bool any() const { return wrong_results || races; }
};

// `run` returns a result, which should equal `expected`.
Findings Find(const std::vector<float>& expected, const std::function<std::vector<float>()>& run) {
  Findings findings;
  const int before = race_reports;
  for (uint64_t seed = 0; seed < (kTsan ? 4 : 12); ++seed) {
    simt::SetSeed(seed);
    if (run() != expected) findings.wrong_results = true;
  }
  findings.races = race_reports > before;
  return findings;
}

// Runs a kernel on x [size] and y [size].
template <class Kernel>
Findings FindIn(Kernel kernel, int blocks, int threads, size_t shared_bytes, const std::vector<float>& x,
                const std::vector<float>& expected) {
  const OnGpu<float> on_x(x);
  return Find(expected, [&] {
    const OnGpu<float> y(std::vector<float>(expected.size(), 0));
    Launch("a kernel under test", Gpu(), dim3(blocks), dim3(threads), shared_bytes, kernel, on_x.data(), y.data());
    return y.Get();
  });
}

std::vector<float> Range(int size) {
  std::vector<float> x(size);
  for (int i = 0; i < size; ++i) x[i] = static_cast<float>(i);
  return x;
}

std::vector<float> Reversed(std::vector<float> x) { return {x.rbegin(), x.rend()}; }

// ---- barriers ----

template <bool kWithBarrier>
__global__ void ReverseInBlock(const float* x, float* y) {
  ORBIT_SHARED(tile, float[128]);
  tile[threadIdx.x] = x[threadIdx.x];
  if (kWithBarrier) __syncthreads();
  y[threadIdx.x] = tile[127 - threadIdx.x];
}

TEST(Mistakes, AMissingSyncthreads) {
  EXPECT_FALSE(FindIn(ReverseInBlock<kRight>, 1, 128, 0, Range(128), Reversed(Range(128))).any());
  const Findings findings = FindIn(ReverseInBlock<kWrong>, 1, 128, 0, Range(128), Reversed(Range(128)));
  EXPECT_TRUE(findings.wrong_results);
  EXPECT_EQ(findings.races, kTsan);
}

// Threads write what others may not have read yet.
template <bool kWithBarrier>
__global__ void ReverseManyInBlock(const float* x, float* y) {
  ORBIT_SHARED(tile, float[64]);
  for (int part = 0; part < 4; ++part) {
    tile[threadIdx.x] = x[part * 64 + threadIdx.x];
    __syncthreads();
    y[part * 64 + threadIdx.x] = tile[63 - threadIdx.x];
    if (kWithBarrier) __syncthreads();
  }
}

TEST(Mistakes, AMissingSyncthreadsBeforeMemoryIsWrittenAgain) {
  std::vector<float> expected;
  for (int part = 0; part < 4; ++part)
    for (int i = 63; i >= 0; --i) expected.push_back(static_cast<float>(part * 64 + i));
  EXPECT_FALSE(FindIn(ReverseManyInBlock<kRight>, 1, 64, 0, Range(256), expected).any());
  const Findings findings = FindIn(ReverseManyInBlock<kWrong>, 1, 64, 0, Range(256), expected);
  EXPECT_TRUE(findings.wrong_results);
  EXPECT_EQ(findings.races, kTsan);
}

// A shuffle in between does not order memory, although lanes wait for one another.
template <bool kWithBarrier>
__global__ void ReverseInWarp(const float* x, float* y) {
  ORBIT_SHARED(tile, float[64]);
  float* own = tile + threadIdx.x / 32 * 32;
  const int lane = threadIdx.x % 32;
  own[lane] = x[threadIdx.x];
  if (kWithBarrier) __syncwarp();
  const float value = own[31 - lane];
  if (kWithBarrier) __syncwarp();
  own[lane] = value;
  __shfl_xor_sync(kAllLanes, value, 1);
  if (kWithBarrier) __syncwarp();
  y[threadIdx.x] = own[lane ^ 1];
}

TEST(Mistakes, AMissingSyncwarp) {
  std::vector<float> expected(64);
  for (int i = 0; i < 64; ++i) expected[i] = static_cast<float>(i / 32 * 32 + 31 - (i % 32 ^ 1));
  EXPECT_FALSE(FindIn(ReverseInWarp<kRight>, 1, 64, 0, Range(64), expected).any());
  const Findings findings = FindIn(ReverseInWarp<kWrong>, 1, 64, 0, Range(64), expected);
  EXPECT_TRUE(findings.wrong_results);
  EXPECT_EQ(findings.races, kTsan);
}

template <bool kWithBarrier>
__global__ void ShuffleInsteadOfBarrier(const float* x, float* y) {
  ORBIT_SHARED(tile, float[32]);
  tile[threadIdx.x] = x[threadIdx.x];
  __shfl_xor_sync(kAllLanes, 0, 1);
  if (kWithBarrier) __syncwarp();
  y[threadIdx.x] = tile[31 - threadIdx.x];
}

TEST(Mistakes, AShuffleInPlaceOfABarrierIsARace) {
  EXPECT_FALSE(FindIn(ShuffleInsteadOfBarrier<kRight>, 1, 32, 0, Range(32), Reversed(Range(32))).any());
  EXPECT_EQ(FindIn(ShuffleInsteadOfBarrier<kWrong>, 1, 32, 0, Range(32), Reversed(Range(32))).races, kTsan);
}

// A barrier of the warp where a barrier of the block is needed.
template <bool kOfBlock>
__global__ void ReverseAcrossWarps(const float* x, float* y) {
  ORBIT_SHARED(tile, float[64]);
  tile[threadIdx.x] = x[threadIdx.x];
  if (kOfBlock)
    __syncthreads();
  else
    __syncwarp();
  y[threadIdx.x] = tile[63 - threadIdx.x];
}

TEST(Mistakes, ABarrierOfTheWarpWhereOneOfTheBlockIsDue) {
  EXPECT_FALSE(FindIn(ReverseAcrossWarps<kRight>, 1, 64, 0, Range(64), Reversed(Range(64))).any());
  const Findings findings = FindIn(ReverseAcrossWarps<kWrong>, 1, 64, 0, Range(64), Reversed(Range(64)));
  EXPECT_TRUE(findings.wrong_results);
  EXPECT_EQ(findings.races, kTsan);
}

// ---- between blocks ----

template <bool kAtomic>
__global__ void Count(const float*, float* y) {
  if (threadIdx.x > 0) return;
  if (kAtomic)
    atomicAdd(y, 1.0f);
  else
    *y += 1;
}

TEST(Mistakes, ARaceBetweenBlocks) {
  EXPECT_FALSE(FindIn(Count<kRight>, 5, 32, 0, {0}, {5}).any());
  EXPECT_EQ(FindIn(Count<kWrong>, 5, 32, 0, {0}, {5}).races, kTsan);
}

// ---- asynchronous copies ----

template <bool kWaits>
__global__ void CopyAsynchronously(const float* x, float* y) {
  ORBIT_SHARED(tile, float[32]);
  __pipeline_memcpy_async(&tile[threadIdx.x], &x[threadIdx.x], sizeof(float));
  __pipeline_commit();
  if (kWaits) __pipeline_wait_prior(0);
  __syncthreads();
  y[threadIdx.x] = tile[31 - threadIdx.x];
}

TEST(Mistakes, ACopyThatIsNotWaitedFor) {
  EXPECT_FALSE(FindIn(CopyAsynchronously<kRight>, 1, 32, 0, Range(32), Reversed(Range(32))).any());
  EXPECT_TRUE(FindIn(CopyAsynchronously<kWrong>, 1, 32, 0, Range(32), Reversed(Range(32))).wrong_results);
}

// The second copy may arrive while other threads still read the first one's data.
template <bool kWithBarrier>
__global__ void CopyTwice(const float* x, float* y) {
  ORBIT_SHARED(tile, float[64]);
  for (int part = 0; part < 2; ++part) {
    if (kWithBarrier) __syncthreads();
    __pipeline_memcpy_async(&tile[threadIdx.x], &x[part * 64 + threadIdx.x], sizeof(float));
    __pipeline_commit();
    __pipeline_wait_prior(0);
    __syncthreads();
    y[part * 64 + threadIdx.x] = tile[threadIdx.x ^ 63];
  }
}

TEST(Mistakes, ACopyThatMayLandTooEarly) {
  std::vector<float> expected(128);
  for (int i = 0; i < 128; ++i) expected[i] = static_cast<float>(i ^ 63);
  EXPECT_FALSE(FindIn(CopyTwice<kRight>, 1, 64, 0, Range(128), expected).any());
  const Findings findings = FindIn(CopyTwice<kWrong>, 1, 64, 0, Range(128), expected);
  EXPECT_TRUE(findings.wrong_results);
  EXPECT_EQ(findings.races, kTsan);
}

// ---- bounds: AddressSanitizer ends the program ----

template <bool kChecked>
__global__ void CopyRagged(int size, const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (!kChecked || i < size) y[i] = x[i];
}

template <bool kChecked>
__global__ void FillShared(float* y) {
  ORBIT_SHARED(tile, float[31]);
  ORBIT_SHARED(other, float[31]);
  if (!kChecked || threadIdx.x < 31) tile[threadIdx.x] = other[0] = 1;
  y[0] = 1;
}

template <bool kChecked>
__global__ void FillDynamicShared(float* y) {
  if (!kChecked || threadIdx.x < 31) DynamicShared<float>()[threadIdx.x] = 1;
  y[0] = 1;
}

TEST(Mistakes, AMissingBoundsCheck) {
  if (!kAsan) GTEST_SKIP() << "AddressSanitizer's to find";
  const OnGpu<float> x(Range(33)), y(33);
  const auto copy = [&](auto kernel) {
    Launch("CopyRagged", Gpu(), dim3(2), dim3(32), 0, kernel, 33, x.data(), y.data());
  };
  copy(CopyRagged<kRight>);
  EXPECT_DEATH(copy(CopyRagged<kWrong>), "heap-buffer-overflow");
  const auto fill = [&](auto kernel, size_t bytes) {
    Launch("Fill", Gpu(), dim3(1), dim3(32), bytes, kernel, y.data());
  };
  fill(FillShared<kRight>, 0);
  EXPECT_DEATH(fill(FillShared<kWrong>, 0), "use-after-poison|out of bounds");
  fill(FillDynamicShared<kRight>, 31 * sizeof(float));
  EXPECT_DEATH(fill(FillDynamicShared<kWrong>, 31 * sizeof(float)), "use-after-poison");
}

// ---- Errors: what would hang a GPU, or be undefined, is reported with its place ----

template <class Kernel>
std::string ErrorOf(Kernel kernel, int threads) {
  const OnGpu<float> y(64);
  try {
    Launch("TheKernel", Gpu(), dim3(1), dim3(threads), 0, kernel, y.data());
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no error";
}

__global__ void StaticBesideDynamic(float* y) {
  ORBIT_SHARED(values, float[512]);
  values[threadIdx.x] = 1;
  DynamicShared<float>()[threadIdx.x] = 1;
  y[threadIdx.x] = values[threadIdx.x];
}

// Dynamic memory that a launch asks no permission for, and more static memory beside it than is left of 48 KB.
TEST(Mistakes, TooMuchStaticMemoryBesideDynamic) {
  const OnGpu<float> y(32);
  const auto launch = [&](size_t bytes) {
    Launch("TheKernel", Gpu(), dim3(1), dim3(32), bytes, StaticBesideDynamic, y.data());
  };
  launch(40 << 10);
  EXPECT_THROW(launch(kUsualSharedBytes), std::runtime_error);
}

template <bool kRounds>
__global__ void ProductOfTf32(float* y) {
  const uint32_t bits = kRounds ? ToTf32(1.0001f) : __float_as_uint(1.0001f);
  float d[4] = {};
  MultiplyTf32(d, {bits, bits, bits, bits}, {bits, bits});
  y[threadIdx.x] = d[0];
}

// The hardware ignores the low bits: what is not rounded is cut off, at twice the error.
TEST(Mistakes, OperandsThatAreNotRoundedToTf32) {
  EXPECT_EQ(ErrorOf(ProductOfTf32<kRight>, 32), "no error");
  const std::string error = ErrorOf(ProductOfTf32<kWrong>, 32);
  EXPECT_NE(error.find("an operand, 1.0001"), std::string::npos) << error;
  EXPECT_NE(error.find("not rounded to TF32"), std::string::npos) << error;
}

template <bool kWhole>
__global__ void ProductByHalfAWarp(float* y) {
  float d[4] = {};
  if (kWhole || threadIdx.x < 16) MultiplyBf16(d, {0, 0, 0, 0}, {0, 0});
  y[threadIdx.x] = d[0];
}

TEST(Mistakes, AProductByAPartOfAWarp) {
  EXPECT_EQ(ErrorOf(ProductByHalfAWarp<kRight>, 32), "no error");
  const std::string error = ErrorOf(ProductByHalfAWarp<kWrong>, 16);
  EXPECT_NE(error.find("TheKernel on simt, block (0, 0, 0): a product of matrices needs all lanes"), std::string::npos)
      << error;
}

// Sixteen rows of ones in shared memory, times ones.
template <bool kWaits, bool kKeepsOperand>
__global__ void ProductOfWarpgroup(float* y) {
  uint4* rows = DynamicShared<uint4>();
  const uint32_t ones = ToBf16(1, 1);
  rows[threadIdx.x] = make_uint4(ones, ones, ones, ones);
  PublishToWgmma();
  __syncthreads();
  float sums[8][4] = {};
  Operand<BFloat16> left[1] = {{{{ones, ones, ones, ones}}}};
  WarpgroupProducts products(sums, left);
  products.AddAlongRows(left[0], rows);
  if (!kKeepsOperand && threadIdx.x == 0) rows[0] = {};
  const float early = sums[0][0];
  products.Wait();
  y[threadIdx.x % 64] = kWaits ? sums[0][0] : early;
}

TEST(Mistakes, WgmmaThatIsNotWaitedFor) {
  if (kTsan) GTEST_SKIP() << "threads write the same result on purpose";
  const auto find = [&](auto kernel) {
    return Find(std::vector<float>(64, 16), [&] {
      const OnGpu<float> y(std::vector<float>(64, 0));
      Launch("TheKernel", Gpu(), dim3(1), dim3(kWarpgroup), 2048, kernel, y.data());
      return y.Get();
    });
  };
  EXPECT_FALSE(find(ProductOfWarpgroup<kRight, true>).any());
  EXPECT_TRUE(find(ProductOfWarpgroup<kWrong, true>).wrong_results);
  try {
    find(ProductOfWarpgroup<kRight, false>);
    FAIL() << "no error";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("changed before Wait"), std::string::npos) << error.what();
  }
}

constexpr int kLineOfDivergentBarrier = __LINE__ + 3;
__global__ void DivergentBarrier(float* y) {
  if (threadIdx.x < 31) {
    __syncthreads();
    y[0] = 1;
  } else {
    __syncthreads();
  }
}

TEST(Mistakes, ABarrierThatNotAllReach) {
  const std::string error = ErrorOf(DivergentBarrier, 64);
  EXPECT_NE(error.find("TheKernel on simt, block (0, 0, 0)"), std::string::npos) << error;
  EXPECT_NE(error.find("mistakes_test.cc:" + std::to_string(kLineOfDivergentBarrier) + " has 31 of 64 threads"),
            std::string::npos)
      << error;
}

__global__ void DivergentShuffle(float* y) {
  if (threadIdx.x % 2) y[threadIdx.x] = __shfl_xor_sync(kAllLanes, 1.0f, 2);
  __syncthreads();
}

TEST(Mistakes, AShuffleThatNotAllReach) {
  const std::string error = ErrorOf(DivergentShuffle, 32);
  EXPECT_NE(error.find("__shfl_xor_sync"), std::string::npos) << error;
  EXPECT_NE(error.find("has 16 of 32 threads of warp 0"), std::string::npos) << error;
}

__global__ void StrangerToItsMask(float* y) { y[threadIdx.x] = __shfl_xor_sync(0xffffu, 1.0f, 1); }

TEST(Mistakes, ALaneThatItsMaskLeavesOut) {
  const std::string error = ErrorOf(StrangerToItsMask, 32);
  EXPECT_NE(error.find("is not in its own mask"), std::string::npos) << error;
}

__global__ void ShuffleFromNobody(float* y) {
  if (threadIdx.x < 8) y[threadIdx.x] = __shfl_xor_sync(0xffu, 1.0f, 8);
}

TEST(Mistakes, AShuffleFromALaneThatTakesNoPart) {
  const OnGpu<float> y(8);
  Launch("ShuffleFromNobody", Gpu(), dim3(1), dim3(32), 0, ShuffleFromNobody, y.data());
  for (const float value : y.Get()) EXPECT_TRUE(std::isnan(value));
}

}  // namespace
}  // namespace orbit::kernels
