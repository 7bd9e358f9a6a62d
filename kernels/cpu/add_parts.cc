#include "kernels/add_parts.h"

#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements per task

}  // namespace

template <class Device, class T>
void AddParts(Device, int64_t count, int64_t size, const T* parts, T* sum) {
  ParallelFor(size, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      SumType<T> s = ToSumType(parts[i]);
      for (int64_t part = 1; part < count; ++part) s += ToSumType(parts[part * size + i]);
      sum[i] = FromSumType<T>(s);
    }
  });
}

template void AddParts(Cpu, int64_t, int64_t, const BFloat16*, BFloat16*);

}  // namespace orbit::kernels
