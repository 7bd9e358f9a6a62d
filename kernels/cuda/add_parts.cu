#include "kernels/add_parts.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/vector.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 256;

// A thread owns one vector of the sum, which it keeps in registers. `size` is the number of vectors in a part. Bytes:
// parts and sum once.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    AddPartsKernel(int64_t count, int64_t size, const Vector<T, kWidth>* parts, Vector<T, kWidth>* sum) {
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= size) return;
  const Vector<T, kWidth> first = parts[at];
  Vector<SumType<T>, kWidth> sums;
#pragma unroll
  for (int e = 0; e < kWidth; ++e) sums[e] = ToSumType(first[e]);
  for (int64_t part = 1; part < count; ++part) sums += parts[part * size + at];
  StoreRounded(sums, sum[at]);
}

}  // namespace

template <class Device, class T>
void AddParts(Device gpu, int64_t count, int64_t size, const T* parts, T* sum) {
  if (size == 0) return;
  ForVectors<T>(
      size,
      [&]<int kWidth>() {
        using V = Vector<T, kWidth>;
        const int64_t vectors = size / kWidth;
        Launch("AddParts", gpu, dim3(DivideUp<int64_t>(vectors, kThreads)), dim3(kThreads), 0,
               AddPartsKernel<T, kWidth>, count, vectors, reinterpret_cast<const V*>(parts), reinterpret_cast<V*>(sum));
      },
      parts, sum);
}

template void AddParts(Gpu, int64_t, int64_t, const BFloat16*, BFloat16*);

}  // namespace orbit::kernels
