#include <algorithm>
#include <vector>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/vector.h"
#include "kernels/optimizer.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kChunk = 4096;  // elements per block

// Some of the tensors, passed as a kernel argument so that nothing is copied to the device beforehand. Chunks of kChunk
// elements are numbered across all of them; the chunks of tensor i start at first_chunk[i].
template <class Tensor>
struct Group {
  // kernels take up to 4 KB of arguments
  static constexpr int kMost = static_cast<int>(3800 / (sizeof(Tensor) + sizeof(int)));
  int count = 0;
  int first_chunk[kMost + 1] = {};
  Tensor tensors[kMost];
};

// Calls launch(group) for groups that together hold all tensors.
template <class Tensor, class Launcher>
void ForEachGroup(std::span<const Tensor> tensors, Launcher&& launch) {
  constexpr int64_t kMostChunks = int64_t{1} << 30;
  Group<Tensor> group;
  const auto flush = [&] {
    if (group.first_chunk[group.count] > 0) launch(group);
    group.count = 0;
  };
  for (const Tensor& tensor : tensors) {
    const int64_t chunks = DivideUp(tensor.size, kChunk);
    if (group.count == Group<Tensor>::kMost || group.first_chunk[group.count] + chunks > kMostChunks) flush();
    group.tensors[group.count] = tensor;
    group.first_chunk[group.count + 1] = group.first_chunk[group.count] + static_cast<int>(chunks);
    ++group.count;
  }
  flush();
}

// The tensor that a chunk belongs to; `begin` is where the chunk starts in it.
template <class Tensor>
__device__ const Tensor& Find(const Group<Tensor>& group, int chunk, int64_t& begin) {
  int low = 0, high = group.count;  // the first chunk of tensor `high` comes after `chunk`
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (group.first_chunk[middle] <= chunk)
      low = middle;
    else
      high = middle;
  }
  begin = int64_t{chunk - group.first_chunk[low]} * kChunk;
  return group.tensors[low];
}

// Sets the factor on the gradients; false if the step is to be skipped.
template <class T>
__device__ bool FactorOf(const Clipping& clipping, T& factor) {
  factor = T(1);
  if (!clipping.squared_norm) return true;
  const double norm = sqrt(*clipping.squared_norm);
  if (!isfinite(norm)) return false;
  if (clipping.max_norm > 0) factor = static_cast<T>(min(1.0, clipping.max_norm / (norm + 1e-6)));
  return true;
}

// ---- Adam and SGD ----
//
// A block updates a chunk of one tensor, in vectors of four (f32) or two (f64) elements if all arrays are aligned for
// it. Bytes: Adam reads four arrays and writes three, SGD reads two and writes one, SGD with momentum reads three and
// writes two; and the copy in bf16 where there is one.

// Writes a vector of the copy in bf16, if there is one.
template <int kWidth, class T>
__device__ void Round(const Vector<T, kWidth>& parameter, BFloat16* rounded, int64_t i) {
  if (!rounded) return;
  Vector<BFloat16, kWidth> vector;
#pragma unroll
  for (int e = 0; e < kWidth; ++e) vector[e] = ToBFloat16(static_cast<float>(parameter[e]));
  reinterpret_cast<Vector<BFloat16, kWidth>*>(rounded)[i] = vector;
}

template <class T>
struct Adam {
  using Tensor = AdamTensor<T>;
  using Factors = AdamFactors<T>;
  AdamRates<T> rates;

  __device__ Factors FactorsOf(const Tensor& tensor) const { return *tensor.factors; }

  static __device__ bool IsAligned(const Tensor& tensor) {
    return ((reinterpret_cast<uintptr_t>(tensor.parameter) | reinterpret_cast<uintptr_t>(tensor.gradient) |
             reinterpret_cast<uintptr_t>(tensor.mean) | reinterpret_cast<uintptr_t>(tensor.square) |
             reinterpret_cast<uintptr_t>(tensor.rounded)) %
            16) == 0;
  }

  template <int kWidth>
  __device__ void Update(const Tensor& tensor, const Factors& factors, T clip, int64_t i) const {
    using V = Vector<T, kWidth>;
    V& to_parameter = reinterpret_cast<V*>(tensor.parameter)[i];
    V& to_mean = reinterpret_cast<V*>(tensor.mean)[i];
    V& to_square = reinterpret_cast<V*>(tensor.square)[i];
    V parameter = to_parameter, mean = to_mean, square = to_square;
    const V raw = reinterpret_cast<const V*>(tensor.gradient)[i];
#pragma unroll
    for (int e = 0; e < kWidth; ++e) {
      const T gradient = clip * raw[e] + tensor.gradient_decay * parameter[e];
      mean[e] += (1 - rates.beta1) * (gradient - mean[e]);
      square[e] = rates.beta2 * square[e] + (1 - rates.beta2) * (gradient * gradient);
      parameter[e] = factors.kept * parameter[e] -
                     factors.step_size * mean[e] / (factors.root_factor * sqrt(square[e]) + rates.epsilon);
    }
    to_parameter = parameter;
    to_mean = mean;
    to_square = square;
    Round(parameter, tensor.rounded, i);
  }
};

template <class T>
struct Sgd {
  using Tensor = SgdTensor<T>;
  using Factors = T;  // the learning rate
  SgdRates<T> rates;

  __device__ Factors FactorsOf(const Tensor&) const { return *rates.learning_rate; }

  static __device__ bool IsAligned(const Tensor& tensor) {
    return ((reinterpret_cast<uintptr_t>(tensor.parameter) | reinterpret_cast<uintptr_t>(tensor.gradient) |
             reinterpret_cast<uintptr_t>(tensor.velocity) | reinterpret_cast<uintptr_t>(tensor.rounded)) %
            16) == 0;
  }

  template <int kWidth>
  __device__ void Update(const Tensor& tensor, T learning_rate, T clip, int64_t i) const {
    using V = Vector<T, kWidth>;
    V& to_parameter = reinterpret_cast<V*>(tensor.parameter)[i];
    V parameter = to_parameter, velocity = {};
    if (rates.momentum != 0) velocity = reinterpret_cast<V*>(tensor.velocity)[i];
    const V raw = reinterpret_cast<const V*>(tensor.gradient)[i];
#pragma unroll
    for (int e = 0; e < kWidth; ++e) {
      T change = clip * raw[e] + tensor.gradient_decay * parameter[e];
      velocity[e] = rates.momentum * velocity[e] + change;
      if (rates.momentum != 0) change = rates.nesterov ? change + rates.momentum * velocity[e] : velocity[e];
      parameter[e] -= learning_rate * change;
    }
    to_parameter = parameter;
    Round(parameter, tensor.rounded, i);
    if (rates.momentum != 0) reinterpret_cast<V*>(tensor.velocity)[i] = velocity;
  }
};

template <class T, class Rule>
__global__ void __launch_bounds__(kThreads)
    UpdateKernel(const __grid_constant__ Group<typename Rule::Tensor> group, Rule rule, Clipping clipping) {
  constexpr int kWidth = 16 / sizeof(T);
  T clip;
  if (!FactorOf(clipping, clip)) return;
  int64_t begin;
  const typename Rule::Tensor& tensor = Find(group, blockIdx.x, begin);
  const typename Rule::Factors factors = rule.FactorsOf(tensor);
  const int64_t end = min(tensor.size, begin + kChunk);
  int64_t i = begin;
  if (Rule::IsAligned(tensor)) {
    const int64_t vectors = end / kWidth;
    for (int64_t v = begin / kWidth + threadIdx.x; v < vectors; v += kThreads)
      rule.template Update<kWidth>(tensor, factors, clip, v);
    i = max(begin, vectors * kWidth);
  }
  for (i += threadIdx.x; i < end; i += kThreads) rule.template Update<1>(tensor, factors, clip, i);
}

// ---- SumOfSquares ----
//
// A block sums one chunk; then one block adds the chunks' sums. Bytes: every array once.

template <class T>
__global__ void __launch_bounds__(kThreads) SquaresKernel(const __grid_constant__ Group<Array<T>> group, double* sums) {
  constexpr int kWidth = 16 / sizeof(T);
  int64_t begin;
  const Array<T>& array = Find(group, blockIdx.x, begin);
  const int64_t end = min(array.size, begin + kChunk);
  double sum = 0;
  int64_t i = begin;
  if (reinterpret_cast<uintptr_t>(array.data) % 16 == 0) {
    const int64_t vectors = end / kWidth;
    for (int64_t v = begin / kWidth + threadIdx.x; v < vectors; v += kThreads) {
      const Vector<T, kWidth> values = reinterpret_cast<const Vector<T, kWidth>*>(array.data)[v];
#pragma unroll
      for (int e = 0; e < kWidth; ++e) sum += static_cast<double>(values[e]) * static_cast<double>(values[e]);
    }
    i = max(begin, vectors * kWidth);
  }
  for (i += threadIdx.x; i < end; i += kThreads)
    sum += static_cast<double>(array.data[i]) * static_cast<double>(array.data[i]);
  sum = BlockSum<kThreads>(sum);
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

template <class T, class Rule>
void LaunchUpdate(const char* name, Gpu gpu, std::span<const typename Rule::Tensor> tensors, const Rule& rule,
                  const Clipping& clipping) {
  ForEachGroup(tensors, [&](const Group<typename Rule::Tensor>& group) {
    Launch(name, gpu, dim3(group.first_chunk[group.count]), dim3(kThreads), 0, UpdateKernel<T, Rule>, group, rule,
           clipping);
  });
}

}  // namespace

template <class Device, class T>
void AdamStep(Device gpu, std::span<const AdamTensor<T>> tensors, const AdamRates<T>& rates, const Clipping& clipping) {
  LaunchUpdate<T>("AdamStep", gpu, tensors, Adam<T>{rates}, clipping);
}

template <class Device, class T>
void SgdStep(Device gpu, std::span<const SgdTensor<T>> tensors, const SgdRates<T>& rates, const Clipping& clipping) {
  LaunchUpdate<T>("SgdStep", gpu, tensors, Sgd<T>{rates}, clipping);
}

template <class Device, class T>
void SumOfSquares(Device gpu, std::span<const Array<T>> arrays, double* sum) {
  int64_t chunks = 0;
  for (const Array<T>& array : arrays) chunks += DivideUp(array.size, kChunk);
  const Scratch<double> sums(gpu, std::max<int64_t>(chunks, 1));
  int64_t done = 0;
  ForEachGroup(arrays, [&](const Group<Array<T>>& group) {
    const int count = group.first_chunk[group.count];
    Launch("SumOfSquares", gpu, dim3(count), dim3(kThreads), 0, SquaresKernel<T>, group, sums.data() + done);
    done += count;
  });
  Launch("SumOfSquares", gpu, dim3(1), dim3(kThreads), 0, AddUp<kThreads, double>, chunks, sums.data(), sum);
}

#define ORBIT_INSTANTIATE(T)                                                                         \
  template void AdamStep(Gpu, std::span<const AdamTensor<T>>, const AdamRates<T>&, const Clipping&); \
  template void SgdStep(Gpu, std::span<const SgdTensor<T>>, const SgdRates<T>&, const Clipping&);    \
  template void SumOfSquares(Gpu, std::span<const Array<T>>, double*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
