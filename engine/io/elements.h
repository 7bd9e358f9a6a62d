// Elements of foreign files: numbers whose type, byte order and layout may differ from our tensors'.
#ifndef ORBIT_ENGINE_IO_ELEMENTS_H_
#define ORBIT_ENGINE_IO_ELEMENTS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/tensor.h"

namespace orbit::io {

enum class ElementType : uint8_t { kF16, kBF16, kF32, kF64, kBool, kU8, kI8, kI16, kU16, kI32, kU32, kI64, kU64 };

size_t SizeOf(ElementType type);  // bytes of one element
// The tensor type that holds all values of the file's type: f32 for f16; i32 for i8, i16 and u16; i64 for u32 and u64;
// u8 for bool.
DType DTypeOf(ElementType type);

struct Elements {
  std::span<const std::byte> bytes;
  ElementType type = ElementType::kF32;
  bool big_endian = false;

  int64_t size() const { return static_cast<int64_t>(bytes.size() / SizeOf(type)); }
};

// Strides, in elements, of contiguous arrays: with the last axis fastest, or the first one (Fortran order).
Shape RowMajorStrides(const Shape& shape);
Shape ColumnMajorStrides(const Shape& shape);

// The tensor of this shape whose element [i, j, ...] is element offset + i * strides[0] + j * strides[1] + ... of the
// file. With strides of 0 it can be larger than the file, so the caller must check its size. Throws Error for negative
// positions, positions beyond the elements, and a u64 that does not fit in i64.
Tensor Gather(const Elements& elements, int64_t offset, const Shape& shape, const Shape& strides);

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_ELEMENTS_H_
