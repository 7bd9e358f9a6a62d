// Element types of tensors.
#ifndef ORBIT_ENGINE_DTYPE_H_
#define ORBIT_ENGINE_DTYPE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/bfloat16.h"

namespace orbit {

enum class DType : uint8_t { kF32, kBF16, kF64, kI32, kI64, kU8 };

size_t SizeOf(DType dtype);            // bytes of one element
const char* NameOf(DType dtype);       // "f32", "bf16", "f64", "i32", "i64", "u8"
DType ParseDType(const std::string&);  // the inverse of NameOf; throws Error
constexpr bool IsFloating(DType dtype) { return dtype <= DType::kF64; }
// What sums over elements are taken in, as kernels::SumType: f32 of bf16, else the dtype itself.
constexpr DType SumDType(DType dtype) { return dtype == DType::kBF16 ? DType::kF32 : dtype; }

template <class T>
inline constexpr DType kDTypeOf = static_cast<DType>(-1);
template <>
inline constexpr DType kDTypeOf<float> = DType::kF32;
template <>
inline constexpr DType kDTypeOf<BFloat16> = DType::kBF16;
template <>
inline constexpr DType kDTypeOf<double> = DType::kF64;
template <>
inline constexpr DType kDTypeOf<int32_t> = DType::kI32;
template <>
inline constexpr DType kDTypeOf<int64_t> = DType::kI64;
template <>
inline constexpr DType kDTypeOf<uint8_t> = DType::kU8;

}  // namespace orbit

#endif  // ORBIT_ENGINE_DTYPE_H_
