// Short vectors of neighbouring elements, which a thread loads and stores at once.
#ifndef ORBIT_KERNELS_CUDA_VECTOR_H_
#define ORBIT_KERNELS_CUDA_VECTOR_H_

#include <algorithm>
#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/cuda/gpu.h"

namespace orbit::kernels {
namespace {

template <class T, int kWidth>
struct alignas(sizeof(T) * kWidth) Vector {
  T elements[kWidth];

  __device__ T& operator[](int i) { return elements[i]; }
  __device__ T operator[](int i) const { return elements[i]; }

  // `other` may be of bf16 where this is of floats. By value: behind a reference the compiler loses the alignment, and
  // loads elements one by one.
  template <class U>
  __device__ Vector& operator+=(Vector<U, kWidth> other) {
#pragma unroll
    for (int i = 0; i < kWidth; ++i)
      elements[i] = FromSumType<T>(ToSumType(elements[i]) + ToSumType(other.elements[i]));
    return *this;
  }
};

template <class T, int kWidth>
__device__ Vector<T, kWidth> operator*(SumType<T> factor, Vector<T, kWidth> vector) {
#pragma unroll
  for (int i = 0; i < kWidth; ++i) vector.elements[i] = FromSumType<T>(factor * ToSumType(vector.elements[i]));
  return vector;
}

// The number of elements in the widest vector, 16 bytes.
template <class T>
constexpr int kFullWidth = 16 / sizeof(T);

// Sums over a full vector of bf16 are twice as wide as a load or store: they come and go in parts.
template <class T, int kWidth>
__device__ void StoreSums(const Vector<T, kWidth>& sums, T* to) {
  constexpr int kPart = std::min(kWidth, kFullWidth<T>);
#pragma unroll
  for (int i = 0; i < kWidth; i += kPart) {
    Vector<T, kPart> part;
#pragma unroll
    for (int e = 0; e < kPart; ++e) part[e] = sums[i + e];
    *reinterpret_cast<Vector<T, kPart>*>(to + i) = part;
  }
}
template <class T, int kWidth>
__device__ void AddSums(const T* from, Vector<T, kWidth>& sums) {
  constexpr int kPart = std::min(kWidth, kFullWidth<T>);
#pragma unroll
  for (int i = 0; i < kWidth; i += kPart) {
    const auto part = *reinterpret_cast<const Vector<T, kPart>*>(from + i);
#pragma unroll
    for (int e = 0; e < kPart; ++e) sums[i + e] += part[e];
  }
}
template <class T, int kWidth>
__device__ void StoreRounded(const Vector<SumType<T>, kWidth>& sums, Vector<T, kWidth>& to) {
  Vector<T, kWidth> rounded;
#pragma unroll
  for (int e = 0; e < kWidth; ++e) rounded[e] = FromSumType<T>(sums[e]);
  to = rounded;
}

// Whether vectors of T can be loaded and stored at the addresses.
template <class T, int kWidth, class... Pointers>
bool IsAligned(Pointers... pointers) {
  return ((reinterpret_cast<uintptr_t>(pointers) % (sizeof(T) * kWidth) == 0) && ...);
}

// Calls f.template operator()<kWidth>() with the widest vectors, or single elements, that divide rows of `columns`
// elements and suit the addresses' alignment.
template <class T, class F, class... Pointers>
void ForVectors(int64_t columns, F&& f, Pointers... pointers) {
  if (columns % kFullWidth<T> == 0 && IsAligned<T, kFullWidth<T>>(pointers...))
    return f.template operator()<kFullWidth<T>>();
  f.template operator()<1>();
}

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_VECTOR_H_
