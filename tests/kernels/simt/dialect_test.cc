// The emulator follows CUDA's programming guide: indices, shuffles, votes, atomic operations, shared memory,
// asynchronous copies. It refuses what a GPU refuses.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/matrix.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/tensor_core_tile.h"
#include "kernels/cuda/wgmma.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

__global__ void WritePlaces(int* y) {
  const int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const int threads = blockDim.x * blockDim.y * blockDim.z;
  y[block * threads + thread] = block * threads + thread;
}

TEST(Simt, EveryThreadOfEveryBlockRunsOnce) {
  const int size = 2 * 3 * 4 * 5 * 3 * 2;
  ForEachSchedule([&] {
    const OnGpu<int> y(size);
    Launch("WritePlaces", Gpu(), dim3(2, 3, 4), dim3(5, 3, 2), 0, WritePlaces, y.data());
    const std::vector<int> values = y.Get();
    for (int i = 0; i < size; ++i) EXPECT_EQ(values[i], i);
  });
}

__global__ void Shuffles(int* y) {
  const int lane = threadIdx.x;
  int* own = y + lane * 8;
  own[0] = __shfl_sync(kAllLanes, lane, 5);
  own[1] = __shfl_down_sync(kAllLanes, lane, 3);
  own[2] = __shfl_up_sync(kAllLanes, lane, 3);
  own[3] = __shfl_xor_sync(kAllLanes, lane, 12);
  own[4] = __shfl_sync(kAllLanes, lane, 1, 8);
  own[5] = __shfl_down_sync(kAllLanes, lane, 3, 8);
  own[6] = static_cast<int>(__ballot_sync(kAllLanes, lane % 3 == 0));
  own[7] = __any_sync(kAllLanes, lane == 7) * 2 + __all_sync(kAllLanes, lane < 31);
}

TEST(Simt, ShufflesAndVotes) {
  ForEachSchedule([&] {
    const OnGpu<int> y(32 * 8);
    Launch("Shuffles", Gpu(), dim3(1), dim3(32), 0, Shuffles, y.data());
    const std::vector<int> values = y.Get();
    for (int lane = 0; lane < 32; ++lane) {
      const int* own = &values[lane * 8];
      EXPECT_EQ(own[0], 5);
      EXPECT_EQ(own[1], lane + 3 < 32 ? lane + 3 : lane);
      EXPECT_EQ(own[2], lane >= 3 ? lane - 3 : lane);
      EXPECT_EQ(own[3], lane ^ 12);
      EXPECT_EQ(own[4], lane / 8 * 8 + 1);
      EXPECT_EQ(own[5], lane % 8 + 3 < 8 ? lane + 3 : lane);
      EXPECT_EQ(static_cast<unsigned>(own[6]), 0x49249249u);
      EXPECT_EQ(own[7], 2);
    }
  });
}

// Halves of a warp that diverge, each with its own mask.
__global__ void Halves(int* y) {
  const int lane = threadIdx.x;
  const unsigned mask = lane < 16 ? 0xffffu : 0xffff0000u;
  int value = lane;
  if (lane < 16) {
    for (int i = 0; i < 3; ++i) value = __shfl_xor_sync(mask, value, 1);
  } else {
    for (int i = 0; i < 5; ++i) value = __shfl_xor_sync(mask, value, 2);
  }
  y[lane] = value;
}

TEST(Simt, PartsOfAWarpExchangeOnTheirOwn) {
  ForEachSchedule([&] {
    const OnGpu<int> y(32);
    Launch("Halves", Gpu(), dim3(1), dim3(32), 0, Halves, y.data());
    const std::vector<int> values = y.Get();
    for (int lane = 0; lane < 32; ++lane) EXPECT_EQ(values[lane], lane < 16 ? lane ^ 1 : lane ^ 2);
  });
}

__global__ void Sums(const double* x, double* y, int* atomics) {
  const double sum = BlockSum<96>(x[threadIdx.x]), again = BlockSum<96>(2 * x[threadIdx.x]);
  y[threadIdx.x] = sum + again;
  atomicAdd(&atomics[0], 1);
  atomicMax(&atomics[1], static_cast<int>(threadIdx.x));
  while (atomicCAS(&atomics[2], static_cast<int>(threadIdx.x), static_cast<int>(threadIdx.x) + 1) < 0) {
  }
  const int count = __syncthreads_count(threadIdx.x % 2);
  if (threadIdx.x == 0) atomics[3] = count;
}

TEST(Simt, SumsOfABlockAndAtomicOperations) {
  std::vector<double> x(96);
  for (int i = 0; i < 96; ++i) x[i] = i;
  ForEachSchedule([&] {
    const OnGpu<double> on_x(x), y(96);
    const OnGpu<int> atomics(std::vector<int>{0, 0, 0, 0});
    Launch("Sums", Gpu(), dim3(1), dim3(96), 0, Sums, on_x.data(), y.data(), atomics.data());
    for (const double value : y.Get()) EXPECT_EQ(value, 3 * 95 * 96 / 2);
    EXPECT_EQ(atomics.Get()[0], 96);
    EXPECT_EQ(atomics.Get()[1], 95);
    EXPECT_EQ(atomics.Get()[3], 48);
  });
}

// Blocks hand their results to the one that comes last.
__global__ void LastBlockSums(double* partial, int* arrived, double* y) {
  ORBIT_SHARED(last, bool);
  const double sum = BlockSum<64>(static_cast<double>(blockIdx.x * 64 + threadIdx.x));
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sum;
    __threadfence();
    last = atomicAdd(arrived, 1) == static_cast<int>(gridDim.x) - 1;
    __threadfence();
  }
  __syncthreads();
  if (!last || threadIdx.x > 0) return;
  *y = 0;
  for (unsigned i = 0; i < gridDim.x; ++i) *y += partial[i];
}

TEST(Simt, AFenceAndACounterHandResultsToTheLastBlock) {
  ForEachSchedule([&] {
    const OnGpu<double> partial(7), y(1);
    const OnGpu<int> arrived(std::vector<int>{0});
    Launch("LastBlockSums", Gpu(), dim3(7), dim3(64), 0, LastBlockSums, partial.data(), arrived.data(), y.data());
    EXPECT_EQ(y.Get()[0], 7 * 64 * (7 * 64 - 1) / 2);
  });
}

__global__ void CopyThroughShared(int size, const float4* x, float4* y) {
  float4* buffer = DynamicShared<float4>();
  const int parts = (size + 31) / 32;
  const auto fetch = [&](int part) {
    const int i = part * 32 + threadIdx.x;
    if (i < size) __pipeline_memcpy_async(&buffer[part % 2 * 32 + threadIdx.x], &x[i], sizeof(float4));
    __pipeline_commit();
  };
  fetch(0);
  for (int part = 0; part < parts; ++part) {
    fetch(part + 1);
    __pipeline_wait_prior(1);
    __syncthreads();
    const int other = 31 - threadIdx.x, i = part * 32 + other;
    if (i < size) y[i] = buffer[part % 2 * 32 + other];
    __syncthreads();
  }
}

TEST(Simt, AsynchronousCopiesLandWhereTheyAreWaitedFor) {
  const std::vector<float> x = Normal<float>(4 * 77, 1);
  ForEachSchedule([&] {
    const OnGpu<float> on_x(x), y(x.size());
    Launch("CopyThroughShared", Gpu(), dim3(1), dim3(32), 64 * sizeof(float4), CopyThroughShared, 77,
           reinterpret_cast<const float4*>(on_x.data()), reinterpret_cast<float4*>(y.data()));
    EXPECT_EQ(x, y.Get());
  });
}

__global__ void ReadSharedUnset(float* y) {
  ORBIT_SHARED(tile, float[4]);
  y[threadIdx.x] = threadIdx.x < 4 ? tile[threadIdx.x] : DynamicShared<float>()[threadIdx.x - 4];
}

TEST(Simt, SharedMemoryStartsPoisonedInEveryBlock) {
  const OnGpu<float> y(std::vector<float>(8, 0));
  Launch("ReadSharedUnset", Gpu(), dim3(1), dim3(8), 16, ReadSharedUnset, y.data());
  for (const float value : y.Get()) EXPECT_TRUE(std::isnan(value));
}

// A [16, 8] times B [8, 8], with fragments loaded by hand.
__global__ void ProductTf32(const float* a, const float* b, float* c) {
  const int g = threadIdx.x / 4, t = threadIdx.x % 4;
  const uint32_t fragment_a[4] = {ToTf32(a[g * 8 + t]), ToTf32(a[(g + 8) * 8 + t]), ToTf32(a[g * 8 + t + 4]),
                                  ToTf32(a[(g + 8) * 8 + t + 4])};
  const uint32_t fragment_b[2] = {ToTf32(b[t * 8 + g]), ToTf32(b[(t + 4) * 8 + g])};
  float d[4] = {};
  MultiplyTf32(d, fragment_a, fragment_b);
  for (int i = 0; i < 4; ++i) c[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = d[i];
}

// A [16, 16] times B [16, 8], with fragments loaded by ldmatrix: A as it is, B transposed.
__global__ void ProductBf16(const uint16_t* a, const uint16_t* b, float* c) {
  uint16_t* shared_a = DynamicShared<uint16_t>();
  uint16_t* shared_b = shared_a + 256;
  const int lane = threadIdx.x, g = lane / 4, t = lane % 4;
  for (int i = lane; i < 256; i += 32) shared_a[i] = a[i];
  for (int i = lane; i < 128; i += 32) shared_b[i] = b[i];
  __syncwarp();
  uint32_t fragment_a[4], both_b[4];
  LoadMatrices(fragment_a, shared_a + lane % 16 * 16 + lane / 16 * 8);
  LoadMatricesTransposed(both_b, shared_b + lane % 16 * 8);
  const uint32_t fragment_b[2] = {both_b[0], both_b[1]};
  float d[4] = {};
  MultiplyBf16(d, fragment_a, fragment_b);
  for (int i = 0; i < 4; ++i) c[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = d[i];
}

// A [16, 8] times B [8, 8] in bf16, with fragments put together by hand.
__global__ void ProductBf16Half(const uint16_t* a, const uint16_t* b, float* c) {
  const int g = threadIdx.x / 4, t = threadIdx.x % 4;
  const auto pair = [](uint16_t low, uint16_t high) { return low | uint32_t{high} << 16; };
  const uint32_t fragment_a[2] = {pair(a[g * 8 + 2 * t], a[g * 8 + 2 * t + 1]),
                                  pair(a[(g + 8) * 8 + 2 * t], a[(g + 8) * 8 + 2 * t + 1])};
  float d[4] = {};
  MultiplyBf16(d, fragment_a, pair(b[2 * t * 8 + g], b[(2 * t + 1) * 8 + g]));
  for (int i = 0; i < 4; ++i) c[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = d[i];
}

// A [64, 64] times B [64, 64]^T, and A times B, by a warpgroup.
__global__ void ProductsByWarpgroup(const BFloat16* a, const BFloat16* b, float* transposed, float* plain) {
  using Rows64 = Tile<BFloat16, 64, 1>;
  const Rows64 tile = {AlignedShared(DynamicShared<Chunk>())};
  tile.Load(Rows<const BFloat16, true>{b, 64, 64, 64}, 0, 64, threadIdx.x, kWarpgroup);
  __pipeline_commit();
  const int first = threadIdx.x / 32 * 16;
  Operand<BFloat16> left[Rows64::kSteps];
  Rows64::LoadLeft(left, Rows<const BFloat16, true>{a, 64, 64, 64}, first);
  __pipeline_wait_prior(0);
  PublishToWgmma();
  __syncthreads();
  float by_rows[8][4] = {}, of_two[2][4] = {}, along_rows[8][4] = {};
  {
    WarpgroupProducts products(by_rows, left);
    for (int step = 0; step < 4; ++step) products.AddRows(left[step], tile.At(0, 0), step);
    products.Wait();
  }
  {
    WarpgroupProducts products(of_two, left);  // rows 16 to 31, which must be the same
    for (int step = 0; step < 4; ++step) products.AddRows(left[step], tile.At(16, 0), step);
    products.Wait();
  }
  for (int i = 0; i < 2; ++i)
    for (int e = 0; e < 4; ++e)
      if (by_rows[2 + i][e] != of_two[i][e]) by_rows[2 + i][e] = NAN;
  WarpgroupProducts products(along_rows, left);
  for (int step = 0; step < 4; ++step) products.AddAlongRows(left[step], tile.At(16 * step, 0));
  products.Wait();
  StoreRows(by_rows, 1.0f, Rows<float, true>{transposed, 64, 64, 64}, first);
  StoreRows(along_rows, 1.0f, Rows<float, true>{plain, 64, 64, 64}, first);
}

// a [rows, inner] b [inner, columns].
std::vector<float> Product(int inner, const std::vector<float>& a, const std::vector<float>& b, int rows = 16,
                           int columns = 8) {
  std::vector<float> c(rows * columns);
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j)
      for (int k = 0; k < inner; ++k) c[i * columns + j] += a[i * inner + k] * b[k * columns + j];
  return c;
}

// Small integers, which every format represents exactly.
std::vector<float> Integers(int size, int seed) {
  std::vector<float> x = Normal<float>(size, seed);
  for (float& value : x) value = std::round(4 * value);
  return x;
}

TEST(Simt, ProductsOnTensorCores) {
  const std::vector<float> a = Integers(128, 1), b = Integers(64, 2);
  const OnGpu<float> on_a(a), on_b(b);
  const std::vector<float> wide_a = Integers(256, 3), wide_b = Integers(128, 4);
  const auto bf16 = [](const std::vector<float>& x) {
    std::vector<uint16_t> bits;
    for (const float value : x) bits.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16));
    return bits;
  };
  const OnGpu<uint16_t> on_half_a(bf16(wide_a)), on_half_b(bf16(wide_b)), on_short_a(bf16(a)), on_short_b(bf16(b));
  ForEachSchedule([&] {
    const OnGpu<float> c(128), d(128);
    Launch("ProductTf32", Gpu(), dim3(1), dim3(32), 0, ProductTf32, on_a.data(), on_b.data(), c.data());
    EXPECT_EQ(c.Get(), Product(8, a, b));
    Launch("ProductBf16", Gpu(), dim3(1), dim3(32), 768, ProductBf16, on_half_a.data(), on_half_b.data(), d.data());
    EXPECT_EQ(d.Get(), Product(16, wide_a, wide_b));
    Launch("ProductBf16Half", Gpu(), dim3(1), dim3(32), 0, ProductBf16Half, on_short_a.data(), on_short_b.data(),
           d.data());
    EXPECT_EQ(d.Get(), Product(8, a, b));
  });
}

TEST(Simt, ProductsByWarpgroups) {
  const std::vector<float> a = Integers(64 * 64, 5), b = Integers(64 * 64, 6);
  std::vector<float> b_transposed(b.size());
  for (int i = 0; i < 64; ++i)
    for (int j = 0; j < 64; ++j) b_transposed[j * 64 + i] = b[i * 64 + j];
  const OnGpu<BFloat16> on_a(Rounded(a)), on_b(Rounded(b));
  ForEachSchedule([&] {
    const OnGpu<float> transposed(64 * 64), plain(64 * 64);
    Launch("ProductsByWarpgroup", Gpu(), dim3(1), dim3(kWarpgroup), 64 * 128 + kWgmmaAlignment, ProductsByWarpgroup,
           on_a.data(), on_b.data(), transposed.data(), plain.data());
    EXPECT_EQ(transposed.Get(), Product(64, a, b_transposed, 64, 64));
    EXPECT_EQ(plain.Get(), Product(64, a, b, 64, 64));
  });
}

TEST(Simt, NumbersOfTf32) {
  EXPECT_EQ(__uint_as_float(ToTf32(1.0f + 0x1p-11f)), 1.0f + 0x1p-10f);
  EXPECT_EQ(__uint_as_float(ToTf32(1.0f + 0x1p-12f)), 1.0f);
}

TEST(Simt, NumbersOfBf16) {
  EXPECT_EQ(ToBf16(1.0f, -2.5f), 0xc0203f80u);
  EXPECT_EQ(ToBf16(1.0f + 0x1p-8f, 1.0f + 0x1p-7f + 0x1p-8f), 0x3f823f80u);  // halves to even
  EXPECT_EQ(ToBf16(std::nanf(""), HUGE_VALF), 0x7f807fffu);
}

__global__ void Nothing() {}

TEST(Simt, RefusesWhatAGpuRefuses) {
  EXPECT_THROW(Launch("Nothing", Gpu(), dim3(0), dim3(32), 0, Nothing), std::runtime_error);
  EXPECT_THROW(Launch("Nothing", Gpu(), dim3(1), dim3(1025), 0, Nothing), std::runtime_error);
  EXPECT_THROW(Launch("Nothing", Gpu(), dim3(1, 70000), dim3(32), 0, Nothing), std::runtime_error);
  EXPECT_THROW(Launch("Nothing", Gpu(), dim3(1), dim3(32), 228 << 10, Nothing), std::runtime_error);
}

}  // namespace
}  // namespace orbit::kernels
