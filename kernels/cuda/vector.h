// Short vectors of neighbouring elements, which a thread loads and stores at once.
#ifndef ORBIT_KERNELS_CUDA_VECTOR_H_
#define ORBIT_KERNELS_CUDA_VECTOR_H_

#include <cstdint>

#include "kernels/cuda/gpu.h"

namespace orbit::kernels {
namespace {

template <class T, int kWidth>
struct alignas(sizeof(T) * kWidth) Vector {
  T elements[kWidth];

  __device__ T& operator[](int i) { return elements[i]; }
  __device__ T operator[](int i) const { return elements[i]; }

  __device__ Vector& operator+=(const Vector& other) {
#pragma unroll
    for (int i = 0; i < kWidth; ++i) elements[i] += other.elements[i];
    return *this;
  }
};

template <class T, int kWidth>
__device__ Vector<T, kWidth> operator*(T factor, Vector<T, kWidth> vector) {
#pragma unroll
  for (int i = 0; i < kWidth; ++i) vector.elements[i] *= factor;
  return vector;
}

// Elements in the widest vector, of 16 bytes.
template <class T>
constexpr int kFullWidth = 16 / sizeof(T);

// Whether vectors of T can be loaded and stored at the addresses.
template <class T, int kWidth, class... Pointers>
bool IsAligned(Pointers... pointers) {
  return ((reinterpret_cast<uintptr_t>(pointers) % (sizeof(T) * kWidth) == 0) && ...);
}

// Calls f.template operator()<kWidth>() for the widest vectors, or single elements, that rows of `columns` elements at
// the addresses divide into.
template <class T, class F, class... Pointers>
void ForVectors(int64_t columns, F&& f, Pointers... pointers) {
  if (columns % kFullWidth<T> == 0 && IsAligned<T, kFullWidth<T>>(pointers...))
    return f.template operator()<kFullWidth<T>>();
  f.template operator()<1>();
}

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_VECTOR_H_
