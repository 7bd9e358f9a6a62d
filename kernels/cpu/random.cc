#include "kernels/random.h"

#include <Random123/philox.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

constexpr int64_t kGrain = 1 << 14;

struct Philox {
  uint64_t seed, stream;

  r123::Philox4x32::ctr_type operator()(uint64_t block) const {
    const r123::Philox4x32::ctr_type counter = {{static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                                                 static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)}};
    const r123::Philox4x32::key_type key = {{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)}};
    return r123::Philox4x32()(counter, key);
  }
};

// Calls f(i, words, lane) for every element i. Each Philox block of four words is computed once per row.
template <class F>
void ForEachWord(RandomStream stream, const StreamSlice& slice, F&& f) {
  const uint64_t base = stream.base ? static_cast<uint64_t>(*stream.base) : 0;
  const Philox philox{stream.seed, base + stream.number};
  ParallelFor(slice.rows * slice.size, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end;) {
      const int64_t row = i / slice.size, first = slice.first + row * (slice.stride - slice.size);
      for (const int64_t stop = std::min(end, (row + 1) * slice.size); i < stop;) {
        const int64_t block = (first + i) / 4;
        const auto words = philox(block);
        for (; i < stop && (first + i) / 4 == block; ++i) f(i, words, static_cast<int>((first + i) % 4));
      }
    }
  });
}

}  // namespace

template <class Device, class T>
void FillUniform(Device, RandomStream stream, const StreamSlice& slice, T low, T high, T* x) {
  ForEachWord(stream, slice, [=](int64_t i, const auto& words, int lane) {
    x[i] = low + (high - low) * static_cast<T>((words[lane] >> 8) * 0x1p-24);
  });
}

template <class Device, class T>
void FillNormal(Device, RandomStream stream, const StreamSlice& slice, T mean, T deviation, T* x) {
  ForEachWord(stream, slice, [=](int64_t i, const auto& words, int lane) {
    const T u = static_cast<T>((words[lane & 2] + 1.0) * 0x1p-32);
    const T angle = static_cast<T>(2 * std::numbers::pi * (words[lane | 1] * 0x1p-32));
    x[i] = mean + deviation * std::sqrt(T(-2) * std::log(u)) * (lane & 1 ? std::sin(angle) : std::cos(angle));
  });
}

template <class Device, class T>
void Dropout(Device, RandomStream stream, const StreamSlice& slice, double p, const T* x, T* y) {
  const auto scale = static_cast<SumType<T>>(1 / (1 - p));
  ForEachWord(stream, slice, [=](int64_t i, const auto& words, int lane) {
    y[i] = (words[lane] >> 8) * 0x1p-24 >= p ? FromSumType<T>(ToSumType(x[i]) * scale) : T{};
  });
}

template void Dropout(Cpu, RandomStream, const StreamSlice&, double, const float*, float*);
template void Dropout(Cpu, RandomStream, const StreamSlice&, double, const double*, double*);
template void Dropout(Cpu, RandomStream, const StreamSlice&, double, const BFloat16*, BFloat16*);
template void FillUniform(Cpu, RandomStream, const StreamSlice&, float, float, float*);
template void FillUniform(Cpu, RandomStream, const StreamSlice&, double, double, double*);
template void FillNormal(Cpu, RandomStream, const StreamSlice&, float, float, float*);
template void FillNormal(Cpu, RandomStream, const StreamSlice&, double, double, double*);

}  // namespace orbit::kernels
