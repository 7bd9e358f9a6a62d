#include "engine/dtype.h"

#include "kernels/error.h"

namespace orbit {

size_t SizeOf(DType dtype) {
  switch (dtype) {
    case DType::kF64:
    case DType::kI64:
      return 8;
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kBF16:
      return 2;
    case DType::kU8:
      return 1;
  }
  Fail("unknown dtype ", static_cast<int>(dtype));
}

const char* NameOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "f32";
    case DType::kBF16:
      return "bf16";
    case DType::kF64:
      return "f64";
    case DType::kI32:
      return "i32";
    case DType::kI64:
      return "i64";
    case DType::kU8:
      return "u8";
  }
  Fail("unknown dtype ", static_cast<int>(dtype));
}

DType ParseDType(const std::string& name) {
  for (DType dtype : {DType::kF32, DType::kBF16, DType::kF64, DType::kI32, DType::kI64, DType::kU8})
    if (name == NameOf(dtype)) return dtype;
  Fail("unknown dtype '", name, "'; known: f32, bf16, f64, i32, i64, u8");
}

}  // namespace orbit
