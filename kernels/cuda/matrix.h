// Matrix products on tensor cores, one instruction per warp, and loads of their fragments. All lanes call them.
//
// Let g = lane / 4 and t = lane % 4. Of accumulators d [16, 8] a lane has d[0], d[1] in row g, columns 2 t, 2 t + 1,
// and d[2], d[3] in the same columns of row g + 8. Of the operands a [16, k] and b [k, 8] it has the elements (row,
// column):
//   tf32, k = 8    a: (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4);  b: (t, g), (t + 4, g)
//   bf16, k = 16   pairs of neighbours along k, the lower one in the low half; a: (g, 2 t), (g + 8, 2 t), (g, 2 t + 8),
//                  (g + 8, 2 t + 8);  b: (2 t, g), (2 t + 8, g)
//   bf16, k = 8    the first half of these: a: (g, 2 t), (g + 8, 2 t);  b: (2 t, g)
#ifndef ORBIT_KERNELS_CUDA_MATRIX_H_
#define ORBIT_KERNELS_CUDA_MATRIX_H_

#include "kernels/cuda/gpu.h"

#ifndef __CUDACC__
#include <cmath>
#include <cstring>
#include <source_location>

#include "kernels/error.h"
#include "kernels/simt/matrix.h"
#endif

namespace orbit::kernels {

// A float whose low 13 bits are 0.
struct Tf32 {
  uint32_t bits;
};

namespace {

#ifdef __CUDACC__

// d += a b.
__device__ __forceinline__ void MultiplyTf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ __forceinline__ void MultiplyBf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ __forceinline__ void MultiplyBf16(float (&d)[4], const uint32_t (&a)[2], uint32_t b) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(b));
}

// Rounds to the nearest tf32 value, halves away from 0.
__device__ __forceinline__ uint32_t ToTf32(float value) {
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
}

// Loads four 8 x 8 matrices of 16-bit elements from shared memory. Lane l passes the address of row l % 8 of matrix l /
// 8, a multiple of 16 bytes, and gets row g, columns 2 t and 2 t + 1 of each matrix.
__device__ __forceinline__ void LoadMatrices(uint32_t (&registers)[4], const void* row) {
  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
               : "r"(address)
               : "memory");
}

// LoadMatrices of the transposed matrices.
__device__ __forceinline__ void LoadMatricesTransposed(uint32_t (&registers)[4], const void* row) {
  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
               : "r"(address)
               : "memory");
}

// Two numbers as bf16, rounded to nearest even; `low` is in the low half.
__device__ __forceinline__ uint32_t ToBf16(float low, float high) {
  uint32_t bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
}

#else

inline void MultiplyTf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                         std::source_location where = std::source_location::current()) {
  simt::MultiplyTf32(d, a, b, where);
}

inline void MultiplyBf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                         std::source_location where = std::source_location::current()) {
  simt::MultiplyBf16(d, a, b, where);
}

inline void MultiplyBf16(float (&d)[4], const uint32_t (&a)[2], uint32_t b,
                         std::source_location where = std::source_location::current()) {
  simt::MultiplyBf16Half(d, a, b, where);
}

inline uint32_t ToTf32(float value) { return (__float_as_uint(value) + 0x1000u) & 0xffffe000u; }

inline simt::MatrixRow ReadRow(const void* row) {
  if (reinterpret_cast<uintptr_t>(row) % 16 != 0) Fail("ldmatrix: a row that is not aligned");
  simt::MatrixRow values;
  for (int i = 0; i < 8; ++i) values.elements[i] = static_cast<const uint16_t*>(row)[i];
  return values;
}

inline void LoadMatrices(uint32_t (&registers)[4], const void* row,
                         std::source_location where = std::source_location::current()) {
  simt::Distribute(ReadRow(row), false, registers, where);
}

inline void LoadMatricesTransposed(uint32_t (&registers)[4], const void* row,
                                   std::source_location where = std::source_location::current()) {
  simt::Distribute(ReadRow(row), true, registers, where);
}

inline uint32_t ToBf16(float low, float high) {
  const auto round = [](float value) {
    const uint32_t bits = __float_as_uint(value);
    return std::isnan(value) ? 0x7fffu : (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
  };
  return round(low) | round(high) << 16;
}

#endif

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_MATRIX_H_
