// What tests of GPU kernels need: device memory, and schedules to run under.
//
// A test is written for `Gpu`, which is the emulator or, with ORBIT_TEST_CUDA, a real GPU.
#ifndef ORBIT_TESTS_KERNELS_CUDA_ON_GPU_H_
#define ORBIT_TESTS_KERNELS_CUDA_ON_GPU_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/bfloat16.h"
#include "kernels/device.h"

#ifdef ORBIT_TEST_CUDA
#include <cuda_runtime.h>

#include "kernels/cuda/runtime.h"
#else
#include "kernels/simt/schedule.h"
#endif

namespace orbit {

inline bool operator==(BFloat16 a, BFloat16 b) { return a.bits == b.bits; }

namespace kernels {

#ifdef ORBIT_TEST_CUDA

using Gpu = Cuda;

inline void* AllocateOnGpu(size_t bytes) {
  void* memory = nullptr;
  CheckCuda("test memory", cudaMalloc(&memory, bytes));
  return memory;
}
inline void FreeOnGpu(void* memory) { cudaFree(memory); }
inline void CopyToOrFromGpu(void* to, const void* from, size_t bytes) {
  CheckCuda("test copy", cudaMemcpy(to, from, bytes, cudaMemcpyDefault));
}

// Skips every test of the program where there is no GPU; where there is one that CUDA cannot use, all fail.
class SkipWithoutGpu : public testing::Environment {
  void SetUp() override {
    int count = 0;
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaSuccess && count > 0) return;
    ASSERT_FALSE(std::filesystem::exists("/dev/nvidia0")) << "a GPU that cannot be used: " << cudaGetErrorString(error);
    GTEST_SKIP() << "no GPU here: " << cudaGetErrorString(error);
  }
};
inline testing::Environment* const skip_without_gpu = testing::AddGlobalTestEnvironment(new SkipWithoutGpu);

// A real GPU has only one schedule.
template <class F>
void ForEachSchedule(F&& f) {
  f();
}

#else

using Gpu = Simt;

inline void* AllocateOnGpu(size_t bytes) { return std::malloc(bytes); }
inline void FreeOnGpu(void* memory) { std::free(memory); }
inline void CopyToOrFromGpu(void* to, const void* from, size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

// Calls f under schedules of every kind: under many without a sanitizer; under few with one, because each takes long
// and ThreadSanitizer finds races under any schedule.
template <class F>
void ForEachSchedule(F&& f) {
  const uint64_t seeds = ORBIT_SIMT_SANITIZER == ORBIT_SIMT_NONE ? 9 : ORBIT_SIMT_SANITIZER == ORBIT_SIMT_ASAN ? 4 : 2;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    simt::SetSeed(seed);
    SCOPED_TRACE("schedule " + std::to_string(seed));
    f();
    if (testing::Test::HasFailure()) return;
  }
}

#endif

// An array in the device's memory, of exactly `size` elements, that AddressSanitizer guards.
template <class T>
class OnGpu {
 public:
  // Filled with a value that no kernel may mistake for a result.
  explicit OnGpu(size_t size) : OnGpu(std::vector<T>(size, Unset())) {}
  OnGpu(const std::vector<T>& values)
      : size_(values.size()), data_(static_cast<T*>(AllocateOnGpu(size_ * sizeof(T))), FreeOnGpu) {
    CopyToOrFromGpu(data_.get(), values.data(), size_ * sizeof(T));
  }

  T* data() const { return data_.get(); }
  std::vector<T> Get() const {
    std::vector<T> values(size_);
    CopyToOrFromGpu(values.data(), data_.get(), size_ * sizeof(T));
    return values;
  }

 private:
  static T Unset() {
    if constexpr (std::is_same_v<T, BFloat16>)
      return ToBFloat16(std::numeric_limits<float>::quiet_NaN());
    else
      return std::numeric_limits<T>::has_quiet_NaN ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(-77);
  }

  size_t size_;
  std::shared_ptr<T> data_;
};

template <class T>
std::vector<T> Normal(size_t size, int seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<T> x(size);
  for (T& value : x) value = FromSumType<T>(static_cast<SumType<T>>(normal(random)));
  return x;
}

// Checks that every element is within `tolerance` * max(1, |element|).
template <class T>
void ExpectNear(const std::vector<T>& expected, const std::vector<T>& actual, double tolerance, const char* what) {
  ASSERT_EQ(expected.size(), actual.size()) << what;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double e = ToSumType(expected[i]), a = ToSumType(actual[i]);
    ASSERT_LE(std::abs(a - e), tolerance * std::max(1.0, std::abs(e)))
        << what << " at " << i << ": " << a << " for " << e;
  }
}

inline std::vector<BFloat16> Rounded(const std::vector<float>& x) {
  std::vector<BFloat16> y;
  for (const float value : x) y.push_back(ToBFloat16(value));
  return y;
}

inline std::vector<float> Floats(const std::vector<BFloat16>& x) {
  std::vector<float> y;
  for (const BFloat16 value : x) y.push_back(ToFloat(value));
  return y;
}

inline const std::vector<float>& Floats(const std::vector<float>& x) { return x; }

// Checks that rows of `length` elements differ by at most `tolerance` times their own norm, or the average norm of all
// rows.
inline void ExpectRowsNear(const std::vector<float>& expected, const std::vector<float>& actual, int64_t length,
                           double tolerance, const char* what) {
  ASSERT_EQ(expected.size(), actual.size()) << what;
  const auto squares = [](const std::vector<float>& x, size_t begin, size_t end) {
    double sum = 0;
    for (size_t i = begin; i < end; ++i) sum += double{x[i]} * x[i];
    return sum;
  };
  std::vector<float> difference(expected.size());
  for (size_t i = 0; i < expected.size(); ++i) difference[i] = actual[i] - expected[i];
  const double average = squares(expected, 0, expected.size()) * length / expected.size();
  for (size_t row = 0; row < expected.size(); row += length) {
    const double own = std::max(squares(expected, row, row + length), average) + 1e-4 * length;
    ASSERT_LE(squares(difference, row, row + length), tolerance * tolerance * own)
        << what << ", row " << row / length << ", whose first is " << actual[row] << " for " << expected[row];
  }
}

}  // namespace kernels
}  // namespace orbit

#endif  // ORBIT_TESTS_KERNELS_CUDA_ON_GPU_H_
