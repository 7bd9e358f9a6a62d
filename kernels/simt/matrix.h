// Tensor-core products and the loads of their fragments, by the layouts of the PTX manual.
#ifndef ORBIT_KERNELS_SIMT_MATRIX_H_
#define ORBIT_KERNELS_SIMT_MATRIX_H_

#include <cstdint>
#include <cstring>
#include <source_location>

#include "kernels/simt/launch.h"

namespace orbit::kernels::simt {

// d += a b, with d [16, 8] in f32. The product's terms are added up in f32, in no order that hardware promises.
// mma.sync.m16n8k8 in tf32, of which the low 13 bits of an operand are not looked at; m16n8k16 in bf16.
void MultiplyTf32(float* d, const uint32_t* a, const uint32_t* b, std::source_location where);
void MultiplyBf16(float* d, const uint32_t* a, const uint32_t* b, std::source_location where);

struct MatrixRow {
  uint16_t elements[8];
};
// ldmatrix .x4 .b16: lane l brings row l % 8 of matrix l / 8.
void Distribute(const MatrixRow& row, bool transposed, uint32_t* registers, std::source_location where);

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_MATRIX_H_
