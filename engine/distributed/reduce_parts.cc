#include "engine/distributed/reduce_parts.h"

#include <algorithm>
#include <array>

#include "kernels/error.h"

namespace orbit {
namespace {

template <class T>
using Sum = kernels::SumType<T>;

template <class T>
void Reduce(ReduceOp op, const std::vector<const void*>& parts, int64_t size, T* out) {
  constexpr int64_t kBlock = 1024;  // stays in the first-level cache
  std::array<Sum<T>, kBlock> block;
  for (int64_t begin = 0; begin < size; begin += kBlock) {
    const int64_t count = std::min(kBlock, size - begin);
    for (size_t i = 0; i < parts.size(); ++i) {
      const T* part = static_cast<const T*>(parts[i]) + begin;
      const auto combine = [&](auto function) {
        for (int64_t j = 0; j < count; ++j) block[j] = function(block[j], kernels::ToSumType(part[j]));
      };
      if (i == 0)
        combine([](Sum<T>, Sum<T> value) { return value; });
      else if (op == ReduceOp::kSum)
        combine([](Sum<T> sum, Sum<T> value) { return static_cast<Sum<T>>(sum + value); });
      else if (op == ReduceOp::kMin)
        combine([](Sum<T> least, Sum<T> value) { return value < least || value != value ? value : least; });
      else
        combine([](Sum<T> most, Sum<T> value) { return value > most || value != value ? value : most; });
    }
    for (int64_t j = 0; j < count; ++j) out[begin + j] = kernels::FromSumType<T>(block[j]);
  }
}

}  // namespace

void ReduceParts(ReduceOp op, DType dtype, const std::vector<const void*>& parts, int64_t size, void* out) {
  switch (dtype) {
    case DType::kF32:
      return Reduce(op, parts, size, static_cast<float*>(out));
    case DType::kBF16:
      return Reduce(op, parts, size, static_cast<BFloat16*>(out));
    case DType::kF64:
      return Reduce(op, parts, size, static_cast<double*>(out));
    case DType::kI32:
      return Reduce(op, parts, size, static_cast<int32_t*>(out));
    case DType::kI64:
      return Reduce(op, parts, size, static_cast<int64_t*>(out));
    case DType::kU8:
      return Reduce(op, parts, size, static_cast<uint8_t*>(out));
  }
}

}  // namespace orbit
