#include "kernels/optimizer.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/cpu/targets.h"
#include "kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/optimizer.cc"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Adam on the whole vectors of [begin, end); returns where they end. Vectors of one element cover everything.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE int64_t AdamVectors(D d, const AdamTensor<T>& tensor, const AdamRates<T>& rates, T factor, int64_t begin,
                               int64_t end) {
  const int64_t lanes = hn::Lanes(d);
  const auto gradient_factor = hn::Set(d, factor);
  const auto gradient_decay = hn::Set(d, tensor.gradient_decay);
  const auto mean_rate = hn::Set(d, 1 - rates.beta1);
  const auto beta2 = hn::Set(d, rates.beta2);
  const auto square_rate = hn::Set(d, 1 - rates.beta2);
  const auto root_factor = hn::Set(d, tensor.factors->root_factor);
  const auto epsilon = hn::Set(d, rates.epsilon);
  const auto kept = hn::Set(d, tensor.factors->kept);
  const auto step_size = hn::Set(d, tensor.factors->step_size);
  for (; begin + lanes <= end; begin += lanes) {
    const auto parameter = hn::LoadU(d, tensor.parameter + begin);
    const auto raw_gradient = hn::LoadU(d, tensor.gradient + begin);
    const auto gradient = hn::MulAdd(gradient_decay, parameter, hn::Mul(gradient_factor, raw_gradient));
    auto mean = hn::LoadU(d, tensor.mean + begin);
    mean = hn::MulAdd(hn::Sub(gradient, mean), mean_rate, mean);
    auto square = hn::LoadU(d, tensor.square + begin);
    square = hn::MulAdd(square, beta2, hn::Mul(hn::Mul(gradient, gradient), square_rate));
    const auto denominator = hn::MulAdd(hn::Sqrt(square), root_factor, epsilon);
    const auto change = hn::Div(hn::Mul(step_size, mean), denominator);
    hn::StoreU(mean, d, tensor.mean + begin);
    hn::StoreU(square, d, tensor.square + begin);
    hn::StoreU(hn::MulSub(kept, parameter, change), d, tensor.parameter + begin);
  }
  return begin;
}

template <class D, class T = hn::TFromD<D>>
HWY_INLINE int64_t SgdVectors(D d, const SgdTensor<T>& tensor, const SgdRates<T>& rates, T factor, int64_t begin,
                              int64_t end) {
  const int64_t lanes = hn::Lanes(d);
  const auto gradient_factor = hn::Set(d, factor);
  const auto gradient_decay = hn::Set(d, tensor.gradient_decay);
  const auto momentum = hn::Set(d, rates.momentum);
  const auto learning_rate = hn::Set(d, *rates.learning_rate);
  for (; begin + lanes <= end; begin += lanes) {
    const auto parameter = hn::LoadU(d, tensor.parameter + begin);
    const auto raw_gradient = hn::LoadU(d, tensor.gradient + begin);
    const auto gradient = hn::MulAdd(gradient_decay, parameter, hn::Mul(gradient_factor, raw_gradient));
    auto change = gradient;
    if (rates.momentum != 0) {
      const auto velocity = hn::MulAdd(momentum, hn::LoadU(d, tensor.velocity + begin), gradient);
      hn::StoreU(velocity, d, tensor.velocity + begin);
      change = rates.nesterov ? hn::MulAdd(momentum, velocity, gradient) : velocity;
    }
    hn::StoreU(hn::NegMulAdd(learning_rate, change, parameter), d, tensor.parameter + begin);
  }
  return begin;
}

// Rounds what has been updated, which is in the cache.
template <class Tensor>
void RoundChunk(const Tensor& tensor, int64_t begin, int64_t end) {
  if (!tensor.rounded) return;
  for (; begin < end; ++begin) tensor.rounded[begin] = ToBFloat16(static_cast<float>(tensor.parameter[begin]));
}

template <class T>
void AdamChunk(const AdamTensor<T>& tensor, const AdamRates<T>& rates, T factor, int64_t begin, int64_t end) {
  const int64_t rest = AdamVectors(hn::ScalableTag<T>(), tensor, rates, factor, begin, end);
  AdamVectors(hn::CappedTag<T, 1>(), tensor, rates, factor, rest, end);
  RoundChunk(tensor, begin, end);
}

template <class T>
void SgdChunk(const SgdTensor<T>& tensor, const SgdRates<T>& rates, T factor, int64_t begin, int64_t end) {
  const int64_t rest = SgdVectors(hn::ScalableTag<T>(), tensor, rates, factor, begin, end);
  SgdVectors(hn::CappedTag<T, 1>(), tensor, rates, factor, rest, end);
  RoundChunk(tensor, begin, end);
}

template <class D>
HWY_INLINE hn::Vec<D> LoadAsDouble(D d, const double* from) {
  return hn::LoadU(d, from);
}
template <class D>
HWY_INLINE hn::Vec<D> LoadAsDouble(D d, const float* from) {
  const hn::Rebind<float, D> as_float;
  return hn::PromoteTo(d, hn::LoadU(as_float, from));
}

template <class T>
double SquaresChunk(const T* data, int64_t begin, int64_t end) {
  const hn::ScalableTag<double> d;
  const int64_t lanes = hn::Lanes(d);
  auto even = hn::Zero(d), odd = hn::Zero(d);  // two sums, so that additions overlap
  for (; begin + 2 * lanes <= end; begin += 2 * lanes) {
    const auto x = LoadAsDouble(d, data + begin), y = LoadAsDouble(d, data + begin + lanes);
    even = hn::MulAdd(x, x, even);
    odd = hn::MulAdd(y, y, odd);
  }
  double sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd)));
  for (; begin < end; ++begin) sum += static_cast<double>(data[begin]) * data[begin];
  return sum;
}

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

ORBIT_EXPORT(AdamChunk)
ORBIT_EXPORT(SgdChunk)
ORBIT_EXPORT(SquaresChunk)

constexpr int64_t kGrain = 16384;

// A range of one tensor. All tensors are cut into chunks, so that many small tensors share the threads as one large one
// does.
struct Chunk {
  size_t tensor;
  int64_t begin, end;
};

template <class Tensors>
std::vector<Chunk> ChunksOf(const Tensors& tensors) {
  std::vector<Chunk> chunks;
  for (size_t i = 0; i < tensors.size(); ++i)
    for (int64_t begin = 0; begin < tensors[i].size; begin += kGrain)
      chunks.push_back({i, begin, std::min(begin + kGrain, tensors[i].size)});
  return chunks;
}

// The factor on the gradients; NaN if the step is to be skipped.
double FactorOf(const Clipping& clipping) {
  if (!clipping.squared_norm) return 1;
  const double norm = std::sqrt(*clipping.squared_norm);
  if (!std::isfinite(norm)) return std::numeric_limits<double>::quiet_NaN();
  return clipping.max_norm > 0 ? std::min(1.0, clipping.max_norm / (norm + 1e-6)) : 1;
}

}  // namespace

template <class Device, class T>
void AdamStep(Device, std::span<const AdamTensor<T>> tensors, const AdamRates<T>& rates, const Clipping& clipping) {
  const double factor = FactorOf(clipping);
  if (std::isnan(factor)) return;
  const std::vector<Chunk> chunks = ChunksOf(tensors);
  ParallelChunks(static_cast<int64_t>(chunks.size()), [&](int64_t i) {
    AdamChunk<T>(tensors[chunks[i].tensor], rates, static_cast<T>(factor), chunks[i].begin, chunks[i].end);
  });
}

template <class Device, class T>
void SgdStep(Device, std::span<const SgdTensor<T>> tensors, const SgdRates<T>& rates, const Clipping& clipping) {
  const double factor = FactorOf(clipping);
  if (std::isnan(factor)) return;
  const std::vector<Chunk> chunks = ChunksOf(tensors);
  ParallelChunks(static_cast<int64_t>(chunks.size()), [&](int64_t i) {
    SgdChunk<T>(tensors[chunks[i].tensor], rates, static_cast<T>(factor), chunks[i].begin, chunks[i].end);
  });
}

template <class Device, class T>
void SumOfSquares(Device, std::span<const Array<T>> arrays, double* sum) {
  const std::vector<Chunk> chunks = ChunksOf(arrays);
  std::vector<double> sums(chunks.size());
  ParallelChunks(static_cast<int64_t>(chunks.size()), [&](int64_t i) {
    sums[i] = SquaresChunk<T>(arrays[chunks[i].tensor].data, chunks[i].begin, chunks[i].end);
  });
  *sum = std::accumulate(sums.begin(), sums.end(), 0.0);
}

#define ORBIT_INSTANTIATE(T)                                                                         \
  template void AdamStep(Cpu, std::span<const AdamTensor<T>>, const AdamRates<T>&, const Clipping&); \
  template void SgdStep(Cpu, std::span<const SgdTensor<T>>, const SgdRates<T>&, const Clipping&);    \
  template void SumOfSquares(Cpu, std::span<const Array<T>>, double*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
