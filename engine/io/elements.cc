#include "engine/io/elements.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <vector>

namespace orbit::io {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are converted to little endian");

struct TypeDescription {
  size_t size;
  DType dtype;
};

// Indexed by ElementType.
constexpr TypeDescription kTypes[] = {
    {2, DType::kF32}, {2, DType::kBF16}, {4, DType::kF32}, {8, DType::kF64}, {1, DType::kU8},
    {1, DType::kU8},  {1, DType::kI32},  {2, DType::kI32}, {2, DType::kI32}, {4, DType::kI32},
    {4, DType::kI64}, {8, DType::kI64},  {8, DType::kI64},
};

// IEEE half precision: 5 bits of exponent and 10 of mantissa.
struct Half {
  uint16_t bits;
  operator float() const {
    const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    float magnitude;
    if (exponent == 31)
      magnitude = std::bit_cast<float>(0x7f800000 | static_cast<uint32_t>(mantissa) << 13);
    else if (exponent == 0)
      magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    else
      magnitude = std::ldexp(static_cast<float>(mantissa | 1024), exponent - 25);
    return bits & 0x8000 ? -magnitude : magnitude;
  }
};

void CheckPlaces(int64_t count, int64_t offset, const Shape& shape, const Shape& strides) {
  int64_t last = offset;
  bool inside = offset >= 0 && strides.size() == shape.size();
  for (size_t axis = 0; inside && axis < shape.size(); ++axis) {
    int64_t reach;
    inside = strides[axis] >= 0 && !__builtin_mul_overflow(shape[axis] - 1, strides[axis], &reach) &&
             !__builtin_add_overflow(last, reach, &last);
  }
  Check(inside && last < count, "a tensor of ", ToString(shape), " with strides ", ToString(strides), " from element ",
        offset, " on is beyond the ", count, " elements there are");
}

// Copies `count` elements of `size` bytes in row-major order of `shape`.
void Collect(const std::byte* from, size_t size, const Shape& shape, const Shape& strides, int64_t count,
             std::byte* to) {
  if (strides == RowMajorStrides(shape)) {
    std::memcpy(to, from, static_cast<size_t>(count) * size);
    return;
  }
  std::vector<int64_t> index(shape.size(), 0);
  int64_t place = 0;
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(to + static_cast<size_t>(i) * size, from + static_cast<size_t>(place) * size, size);
    for (size_t axis = shape.size(); axis-- > 0;) {
      place += strides[axis];
      if (++index[axis] < shape[axis]) break;
      place -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

template <class From, class To>
void Convert(const std::byte* from, const Tensor& tensor) {
  To* to = tensor.data<To>();
  for (int64_t i = 0; i < tensor.size(); ++i) {
    From value;
    std::memcpy(&value, from + static_cast<size_t>(i) * sizeof(From), sizeof(From));
    if constexpr (std::is_same_v<From, uint64_t>)
      Check(value <= static_cast<uint64_t>(INT64_MAX), "the number ", value, " is beyond the integers of tensors");
    to[i] = static_cast<To>(value);
  }
}

}  // namespace

size_t SizeOf(ElementType type) { return kTypes[static_cast<size_t>(type)].size; }
DType DTypeOf(ElementType type) { return kTypes[static_cast<size_t>(type)].dtype; }

Shape RowMajorStrides(const Shape& shape) {
  Shape strides(shape.size());
  uint64_t stride = 1;  // unsigned, because next to a size of 0 the others are arbitrary and may overflow
  for (size_t axis = shape.size(); axis-- > 0; stride *= static_cast<uint64_t>(shape[axis]))
    strides[axis] = static_cast<int64_t>(stride);
  return strides;
}

Shape ColumnMajorStrides(const Shape& shape) {
  Shape strides = RowMajorStrides(Shape(shape.rbegin(), shape.rend()));
  std::reverse(strides.begin(), strides.end());
  return strides;
}

Tensor Gather(const Elements& elements, int64_t offset, const Shape& shape, const Shape& strides) {
  const int64_t count = NumElements(shape);
  const Tensor tensor = Tensor::Empty(shape, DTypeOf(elements.type));
  if (count == 0) return tensor;
  CheckPlaces(elements.size(), offset, shape, strides);
  const size_t size = SizeOf(elements.type);
  const bool as_is = size == SizeOf(tensor.dtype());
  std::vector<std::byte> buffer(as_is ? 0 : static_cast<size_t>(count) * size);
  std::byte* collected = as_is ? static_cast<std::byte*>(tensor.raw()) : buffer.data();
  Collect(elements.bytes.data() + static_cast<size_t>(offset) * size, size, shape, strides, count, collected);
  if (elements.big_endian)
    for (int64_t i = 0; i < count; ++i)
      std::reverse(collected + static_cast<size_t>(i) * size, collected + static_cast<size_t>(i + 1) * size);
  switch (elements.type) {
    case ElementType::kF16:
      Convert<Half, float>(collected, tensor);
      break;
    case ElementType::kI8:
      Convert<int8_t, int32_t>(collected, tensor);
      break;
    case ElementType::kI16:
      Convert<int16_t, int32_t>(collected, tensor);
      break;
    case ElementType::kU16:
      Convert<uint16_t, int32_t>(collected, tensor);
      break;
    case ElementType::kU32:
      Convert<uint32_t, int64_t>(collected, tensor);
      break;
    case ElementType::kU64:
      Convert<uint64_t, int64_t>(collected, tensor);
      break;
    default:
      break;
  }
  return tensor;
}

}  // namespace orbit::io
