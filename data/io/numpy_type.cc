#include "data/io/numpy_type.h"

#include <utility>

namespace orbit {

std::optional<NumpyType> ParseNumpyType(std::string_view text) {
  using io::ElementType;
  static constexpr std::pair<std::string_view, ElementType> kTypes[] = {
      {"f2", ElementType::kF16}, {"f4", ElementType::kF32}, {"f8", ElementType::kF64}, {"i1", ElementType::kI8},
      {"i2", ElementType::kI16}, {"i4", ElementType::kI32}, {"i8", ElementType::kI64}, {"u1", ElementType::kU8},
      {"u2", ElementType::kU16}, {"u4", ElementType::kU32}, {"u8", ElementType::kU64}, {"b1", ElementType::kBool},
  };
  const bool big_endian = text.starts_with('>');
  if (!text.empty() && std::string_view("<>|=").find(text[0]) != std::string_view::npos) text.remove_prefix(1);
  for (const auto& [name, type] : kTypes)
    if (text == name) return NumpyType{type, big_endian};
  return std::nullopt;
}

}  // namespace orbit
