#include "kernels/simt/matrix.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <string>

namespace orbit::kernels::simt {
namespace {

struct Fragments {
  float d[4];
  uint32_t a[4], b[2];
};

void CheckAllLanes(void* const* operands, int count) {
  if (std::count(operands, operands + count, nullptr) > 0)
    throw std::runtime_error("a product of matrices needs all lanes of the warp");
}

// The hardware would cut off what was not rounded. What nothing has been written to is NaN, and only reaches results
// that are not used.
void CheckTf32(uint32_t bits, const std::source_location& where) {
  const float value = std::bit_cast<float>(bits);
  if (!(bits & 0x1fffu) || std::isnan(value)) return;
  throw std::runtime_error("mma.m16n8k8.tf32 at " + std::string(where.file_name()) + ":" +
                           std::to_string(where.line()) + ": an operand, " + std::to_string(value) +
                           ", is not rounded to TF32");
}

float FromTf32(uint32_t bits) { return std::bit_cast<float>(bits); }
float FromBf16(uint32_t bits) { return std::bit_cast<float>(bits << 16); }

// Adds a b to a lane's accumulators, which are in rows lane / 4 and lane / 4 + 8, columns 2 (lane % 4) and 2 (lane % 4)
// + 1.
template <int kInner>
void AddProduct(float* d, int lane, const float (&a)[16][kInner], const float (&b)[kInner][8]) {
  for (int i = 0; i < 4; ++i) {
    const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
    float sum = 0;
    for (int k = 0; k < kInner; ++k) sum += a[row][k] * b[k][column];
    d[i] += sum;
  }
}
template <int kInner>
void AddProducts(void* const* operands, const float (&a)[16][kInner], const float (&b)[kInner][8]) {
  for (int lane = 0; lane < 32; ++lane) AddProduct(static_cast<Fragments*>(operands[lane])->d, lane, a, b);
}

void Tf32(void* const* operands, int count) {
  CheckAllLanes(operands, count);
  float a[16][8], b[8][8];
  for (int lane = 0; lane < 32; ++lane) {
    const auto& own = *static_cast<const Fragments*>(operands[lane]);
    for (int i = 0; i < 4; ++i) a[lane / 4 + i % 2 * 8][lane % 4 + i / 2 * 4] = FromTf32(own.a[i]);
    for (int i = 0; i < 2; ++i) b[lane % 4 + i * 4][lane / 4] = FromTf32(own.b[i]);
  }
  AddProducts(operands, a, b);
}

// A lane's elements of a [16, kInner] in bf16.
template <int kInner>
void Unpack(const uint32_t* own, int lane, float (&a)[16][kInner]) {
  for (int half = 0; half < 2; ++half)
    for (int i = 0; i < kInner / 4; ++i)
      a[lane / 4 + i % 2 * 8][lane % 4 * 2 + half + i / 2 * 8] = FromBf16(own[i] >> 16 * half & 0xffffu);
}

template <int kInner>
void Bf16(void* const* operands, int count) {
  CheckAllLanes(operands, count);
  float a[16][kInner], b[kInner][8];
  for (int lane = 0; lane < 32; ++lane) {
    const auto& own = *static_cast<const Fragments*>(operands[lane]);
    Unpack(own.a, lane, a);
    for (int half = 0; half < 2; ++half)
      for (int i = 0; i < kInner / 8; ++i)
        b[lane % 4 * 2 + half + i * 8][lane / 4] = FromBf16(own.b[i] >> 16 * half & 0xffffu);
  }
  AddProducts(operands, a, b);
}

struct WarpgroupOperand {
  float (*d)[4];
  int columns;
  const uint32_t* a;
  const WgmmaColumns* b;
};

void Wgmma(void* const* operands, int count) {
  CheckAllLanes(operands, count);
  const auto of = [&](int lane) -> const auto& { return *static_cast<const WarpgroupOperand*>(operands[lane]); };
  float a[16][16], b[16][8];
  for (int lane = 0; lane < 32; ++lane) Unpack(of(lane).a, lane, a);
  for (int eight = 0; eight < of(0).columns / 8; ++eight) {
    for (int i = 0; i < 8; ++i) {
      const int column = 8 * eight + i;
      for (int k = 0; k < 16; ++k) b[k][i] = FromBf16((*of(column % 32).b)[column / 32][k]);
    }
    for (int lane = 0; lane < 32; ++lane) AddProduct(of(lane).d[eight], lane, a, b);
  }
}

struct RowOperand {
  MatrixRow row;
  uint32_t registers[4];
};

template <bool kTransposed>
void Rows(void* const* operands, int count) {
  CheckAllLanes(operands, count);
  for (int lane = 0; lane < 32; ++lane)
    for (int matrix = 0; matrix < 4; ++matrix) {
      uint32_t packed = 0;
      for (int half = 0; half < 2; ++half) {
        const int pair = lane % 4 * 2 + half;
        const int row = kTransposed ? pair : lane / 4, column = kTransposed ? lane / 4 : pair;
        const auto& from = *static_cast<const RowOperand*>(operands[matrix * 8 + row]);
        packed |= uint32_t{from.row.elements[column]} << (16 * half);
      }
      static_cast<RowOperand*>(operands[lane])->registers[matrix] = packed;
    }
}

void Multiply(const char* what, Exchange exchange, float* d, const uint32_t* a, const uint32_t* b,
              std::source_location where) {
  Fragments fragments;
  std::copy_n(d, 4, fragments.d);
  std::copy_n(a, 4, fragments.a);
  std::copy_n(b, 2, fragments.b);
  Meet({.what = what, .where = where, .lanes = ~uint32_t{0}, .exchange = exchange, .operand = &fragments});
  std::copy_n(fragments.d, 4, d);
}

}  // namespace

void MultiplyTf32(float* d, const uint32_t* a, const uint32_t* b, std::source_location where) {
  for (int i = 0; i < 4; ++i) CheckTf32(a[i], where);
  for (int i = 0; i < 2; ++i) CheckTf32(b[i], where);
  Multiply("mma.m16n8k8.tf32", Tf32, d, a, b, where);
}

void MultiplyBf16(float* d, const uint32_t* a, const uint32_t* b, std::source_location where) {
  Multiply("mma.m16n8k16.bf16", Bf16<16>, d, a, b, where);
}

void MultiplyBf16Half(float* d, const uint32_t* a, uint32_t b, std::source_location where) {
  const uint32_t all_a[4] = {a[0], a[1]}, all_b[2] = {b};
  Multiply("mma.m16n8k8.bf16", Bf16<8>, d, all_a, all_b, where);
}

void MultiplyWarpgroup(float (*d)[4], int columns, const uint32_t* a, const WgmmaColumns& b,
                       std::source_location where) {
  WarpgroupOperand operand = {d, columns, a, &b};
  Meet({.what = "wgmma", .where = where, .lanes = ~uint32_t{0}, .exchange = Wgmma, .operand = &operand});
}

void Distribute(const MatrixRow& row, bool transposed, uint32_t* registers, std::source_location where) {
  RowOperand operand = {row, {}};
  Meet({.what = "ldmatrix",
        .where = where,
        .lanes = ~uint32_t{0},
        .exchange = transposed ? Rows<true> : Rows<false>,
        .operand = &operand});
  std::copy_n(operand.registers, 4, registers);
}

}  // namespace orbit::kernels::simt
