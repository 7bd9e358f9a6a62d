// Tensor-core products and loads of their fragments, in the layouts of the PTX manual.
#ifndef ORBIT_KERNELS_SIMT_MATRIX_H_
#define ORBIT_KERNELS_SIMT_MATRIX_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <source_location>

#include "kernels/simt/launch.h"

namespace orbit::kernels::simt {

// d += a b, with d [16, 8] in f32. The terms are added in f32, in an order that hardware does not promise. MultiplyTf32
// is mma.sync.m16n8k8, which ignores the low 13 bits of its tf32 operands; MultiplyBf16 is m16n8k16, and its half
// m16n8k8.
void MultiplyTf32(float* d, const uint32_t* a, const uint32_t* b, std::source_location where);
void MultiplyBf16(float* d, const uint32_t* a, const uint32_t* b, std::source_location where);
void MultiplyBf16Half(float* d, const uint32_t* a, uint32_t b, std::source_location where);

// What a lane brings of the right operand b [16, columns] of wgmma: columns lane, lane + 32, ..., those that there are.
inline constexpr int kWgmmaColumns = 2;
using WgmmaColumns = std::array<std::array<uint16_t, 16>, kWgmmaColumns>;
// One warp's part of wgmma.m64nNk16.bf16: d [16, columns] += a b. a is as for MultiplyBf16; d are columns / 8 of its
// accumulators.
void MultiplyWarpgroup(float (*d)[4], int columns, const uint32_t* a, const WgmmaColumns& b,
                       std::source_location where);

struct MatrixRow {
  uint16_t elements[8];
};
// ldmatrix .x4 .b16: lane l passes row l % 8 of matrix l / 8.
void Distribute(const MatrixRow& row, bool transposed, uint32_t* registers, std::source_location where);

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_MATRIX_H_
