// An optimiser step on a GPU agrees with the host, and what both write in bf16 is the parameter rounded: tensors of all
// sizes around those of vectors and chunks, more tensors than one launch takes, aligned or not; with and without
// clipping, and no step if the norm is not finite.
#include "kernels/optimizer.h"

#include <cmath>
#include <functional>

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

constexpr int kArrays = 4;  // parameter, gradient and up to two of state
const std::vector<int64_t> kSizes = {0, 1, 3, 4, 31, 33, 4095, 4096, 4097, 9001};

template <class T>
struct OnHost {
  explicit OnHost(const std::vector<T>& values) : values(values) {}
  T* data() { return values.data(); }
  std::vector<T> Get() const { return values; }
  std::vector<T> values;
};

// The arrays of all tensors after step(device, the arrays of all tensors), and the sum of squares of the gradients.
template <class T, template <class> class Memory, class Device>
std::vector<std::vector<T>> After(Device device, const std::vector<int64_t>& sizes, bool aligned, double max_norm,
                                  bool finite, bool adam) {
  std::vector<std::vector<Memory<T>>> arrays;
  const int offset = aligned ? 0 : 1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    arrays.emplace_back();
    for (int a = 0; a < kArrays; ++a) {
      std::vector<T> values = Normal<T>(sizes[i] + offset, static_cast<int>(kArrays * i) + a);
      if (a == 3)
        for (T& value : values) value = std::abs(value);
      if (a == 1 && !finite && i + 1 == sizes.size()) values.back() = std::numeric_limits<T>::infinity();
      arrays.back().emplace_back(values);
    }
  }
  std::vector<Array<T>> gradients;
  // Of every tensor its own, as three numbers, and the learning rates of SGD.
  std::vector<T> numbers;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const T x = static_cast<T>(i % 7) / 100;
    numbers.insert(numbers.end(), {T(0.1) + x, T(1.3) - x, T(0.99) - x});
  }
  Memory<T> factors(numbers), learning_rate(std::vector<T>{T(0.1)});
  std::vector<AdamTensor<T>> adam_tensors;
  std::vector<SgdTensor<T>> sgd_tensors;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const auto at = [&](int a) { return arrays[i][a].data() + offset; };
    gradients.push_back({sizes[i], at(1)});
    adam_tensors.push_back(
        {sizes[i], at(0), at(1), at(2), at(3), reinterpret_cast<const AdamFactors<T>*>(factors.data()) + i, T(0.01)});
    sgd_tensors.push_back({sizes[i], at(0), at(1), at(2), T(0.01)});
  }
  // Every other tensor has a copy in bf16.
  std::vector<Memory<BFloat16>> copies;
  for (size_t i = 0; i < sizes.size(); ++i)
    copies.emplace_back(std::vector<BFloat16>(sizes[i] + offset, ToBFloat16(-1)));
  for (size_t i = 0; i < sizes.size(); i += 2)
    adam_tensors[i].rounded = sgd_tensors[i].rounded = copies[i].data() + offset;
  Memory<double> norm(std::vector<double>(1, -1));
  SumOfSquares(device, std::span<const Array<T>>(gradients), norm.data());
  const Clipping clipping = {.squared_norm = max_norm < 0 ? nullptr : norm.data(), .max_norm = std::max(max_norm, 0.0)};
  if (adam) {
    AdamStep(device, std::span<const AdamTensor<T>>(adam_tensors), {T(0.9), T(0.99), T(1e-8)}, clipping);
  } else {
    SgdStep(device, std::span<const SgdTensor<T>>(sgd_tensors), {learning_rate.data(), T(0.9), true}, clipping);
    SgdStep(device, std::span<const SgdTensor<T>>(sgd_tensors), {learning_rate.data(), T(0), false}, clipping);
  }
  std::vector<std::vector<T>> all = {{static_cast<T>(norm.Get()[0])}};
  for (const auto& tensor : arrays)
    for (const auto& array : tensor) all.push_back(array.Get());
  const bool moves = max_norm < 0 || finite;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const std::vector<BFloat16> copy = copies[i].Get();
    const std::vector<T> parameter = arrays[i][0].Get();
    for (size_t e = 0; e < copy.size(); ++e) {
      const bool written = moves && i % 2 == 0 && e >= static_cast<size_t>(offset);
      const float expected = written ? static_cast<float>(parameter[e]) : -1;
      EXPECT_EQ(copy[e].bits, ToBFloat16(expected).bits) << "element " << e << " of tensor " << i;
    }
  }
  return all;
}

template <class T>
void CompareWithHost(const std::vector<int64_t>& sizes, bool aligned, double max_norm, bool finite, bool adam) {
  SCOPED_TRACE(testing::Message() << sizes.size() << " tensors, aligned " << aligned << ", max norm " << max_norm
                                  << ", finite " << finite << ", Adam " << adam);
  SetNumThreads(1);
  const auto expected = After<T, OnHost>(Cpu(), sizes, aligned, max_norm, finite, adam);
  const auto actual = After<T, OnGpu>(Gpu(), sizes, aligned, max_norm, finite, adam);
  if (finite) ExpectNear(expected[0], actual[0], sizeof(T) == 4 ? 1e-6 : 1e-13, "the squared norm");
  for (size_t i = 1; i < expected.size(); ++i) {
    std::vector<T> e = expected[i], a = actual[i];
    for (std::vector<T>* values : {&e, &a})
      for (T& value : *values)
        if (!std::isfinite(value)) value = T(12345);
    ExpectNear(e, a, sizeof(T) == 4 ? 1e-5 : 1e-13, "an array");
  }
}

TEST(Optimizer, AgreesWithTheHost) {
  for (const bool adam : {true, false})
    for (const bool aligned : {true, false}) {
      CompareWithHost<float>(kSizes, aligned, 0.5, true, adam);
      CompareWithHost<double>(kSizes, aligned, 0.5, true, adam);
    }
}

TEST(Optimizer, ClippingIsOptionalAndNothingMovesWithoutAFiniteNorm) {
  for (const bool adam : {true, false})
    for (const double max_norm : {-1.0, 0.0, 1e9}) {
      CompareWithHost<float>({5, 33}, true, max_norm, true, adam);
      if (max_norm >= 0) CompareWithHost<float>({5, 33}, true, max_norm, false, adam);
    }
}

TEST(Optimizer, MoreTensorsThanALaunchTakes) {
  for (const bool adam : {true, false}) CompareWithHost<float>(std::vector<int64_t>(200, 7), true, 1, true, adam);
  CompareWithHost<double>({}, true, 1, true, true);
}

TEST(Optimizer, SumsTheSameInEverySchedule) {
  ForEachSchedule([] { CompareWithHost<float>({4097, 33}, true, 0.5, true, true); });
}

}  // namespace
}  // namespace orbit::kernels
