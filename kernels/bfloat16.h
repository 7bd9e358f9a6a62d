// bf16: the upper half of a float.
#ifndef ORBIT_KERNELS_BFLOAT16_H_
#define ORBIT_KERNELS_BFLOAT16_H_

#include <bit>
#include <cstdint>
#include <type_traits>

namespace orbit {

// A storage type; arithmetic needs conversion to float.
struct BFloat16 {
  uint16_t bits;
};

// Rounds to nearest even; NaN stays NaN.
constexpr BFloat16 ToBFloat16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (value != value) return {static_cast<uint16_t>((bits >> 16) | 0x40)};
  bits += 0x7fff + ((bits >> 16) & 1);
  return {static_cast<uint16_t>(bits >> 16)};
}

constexpr float ToFloat(BFloat16 value) { return std::bit_cast<float>(uint32_t{value.bits} << 16); }

namespace kernels {

// The type in which elements of T are summed: float for bf16, else T itself.
template <class T>
using SumType = std::conditional_t<std::is_same_v<T, BFloat16>, float, T>;

// An element as what is computed with, and back, rounded.
template <class T>
constexpr SumType<T> ToSumType(T value) {
  if constexpr (std::is_same_v<T, BFloat16>)
    return ToFloat(value);
  else
    return value;
}
template <class T>
constexpr T FromSumType(SumType<T> value) {
  if constexpr (std::is_same_v<T, BFloat16>)
    return ToBFloat16(value);
  else
    return value;
}

}  // namespace kernels
}  // namespace orbit

#endif  // ORBIT_KERNELS_BFLOAT16_H_
