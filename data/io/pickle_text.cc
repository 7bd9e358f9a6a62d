#include "data/io/pickle_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "kernels/error.h"

namespace orbit {
namespace {

constexpr size_t kMostDigits = 4300;

void AppendUtf8(uint32_t point, std::string& text) {
  if (point < 0x80) {
    text += static_cast<char>(point);
    return;
  }
  const int continued = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  text += static_cast<char>((0xff00 >> (continued + 1) & 0xff) | point >> (6 * continued));
  for (int i = continued; i-- > 0;) text += static_cast<char>(0x80 | (point >> (6 * i) & 0x3f));
}

}  // namespace

std::string ParseDecimal(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view digits = text.substr(negative ? 1 : 0);
  Check(!digits.empty() && digits.size() <= kMostDigits &&
            digits.find_first_not_of("0123456789") == std::string_view::npos,
        "'", text.substr(0, 40), "' is no number");
  std::string bytes(1, '\0');  // of the absolute value
  for (const char digit : digits) {
    int carry = digit - '0';
    for (char& byte : bytes) {
      carry += 10 * static_cast<uint8_t>(byte);
      byte = static_cast<char>(carry & 255);
      carry >>= 8;
    }
    if (carry > 0) bytes += static_cast<char>(carry);
  }
  if (negative) {
    bytes += '\0';
    int carry = 1;
    for (char& byte : bytes) {
      carry += 255 - static_cast<uint8_t>(byte);
      byte = static_cast<char>(carry & 255);
      carry >>= 8;
    }
  } else if (static_cast<int8_t>(bytes.back()) < 0) {
    bytes += '\0';
  }
  // Removes last bytes that only repeat the sign.
  while (bytes.size() > 1 &&
         static_cast<uint8_t>(bytes.back()) == (static_cast<int8_t>(bytes[bytes.size() - 2]) < 0 ? 255 : 0))
    bytes.pop_back();
  return bytes;
}

std::string DecodeRawUnicodeEscape(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == 'u' || next == 'U') {
      const std::string_view digits = text.substr(i + 2, next == 'u' ? 4 : 8);
      uint32_t point = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), point, 16);
      Check(digits.size() == (next == 'u' ? 4 : 8) && error == std::errc() && end == digits.data() + digits.size() &&
                point <= 0x10ffff,
            "text with the escape '", text.substr(i, 2 + digits.size()), "'");
      AppendUtf8(point, decoded);
      i += 1 + digits.size();
    } else {
      AppendUtf8(static_cast<uint8_t>(text[i]), decoded);
      if (next == '\\') decoded += text[++i];  // an escaped backslash does not start another escape
    }
  }
  return decoded;
}

std::string DecodeStringEscape(std::string_view text) {
  constexpr std::string_view kEscapes = "\\'\"abfnrtv", kMeanings = "\\'\"\a\b\f\n\r\t\v";
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      decoded += text[i];
      continue;
    }
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    uint8_t byte = 0;
    if (const size_t known = kEscapes.find(next); known != std::string_view::npos) {
      byte = static_cast<uint8_t>(kMeanings[known]);
      i += 1;
    } else {
      const std::string_view digits = text.substr(std::min(i + 2, text.size()), 2);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
      Check(next == 'x' && digits.size() == 2 && error == std::errc() && end == digits.data() + 2,
            "text with the escape '", text.substr(i, 4), "'");
      i += 3;
    }
    decoded += static_cast<char>(byte);
  }
  return decoded;
}

std::string EncodeLatin1(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const bool two = (byte & 0xfc) == 0xc0 && i + 1 < text.size();
    Check(byte < 0x80 || two, "text that is not of single bytes");
    bytes += two ? static_cast<char>((byte & 3) << 6 | (static_cast<uint8_t>(text[++i]) & 0x3f)) : text[i];
  }
  return bytes;
}

}  // namespace orbit
