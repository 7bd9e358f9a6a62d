// Decodes the text in Python pickles of protocols 0 and 1.
#ifndef ORBIT_DATA_IO_PICKLE_TEXT_H_
#define ORBIT_DATA_IO_PICKLE_TEXT_H_

#include <string>
#include <string_view>

namespace orbit {

// Converts a decimal integer such as "-12" to two's complement, little endian, in as few bytes as possible. Throws
// Error for anything else, and beyond Python's own limit of 4,300 digits.
std::string ParseDecimal(std::string_view text);

// Converts Python's "raw-unicode-escape" (Latin-1 with the escapes \uXXXX and \UXXXXXXXX) to UTF-8. Throws Error for an
// invalid escape.
std::string DecodeRawUnicodeEscape(std::string_view text);

// The bytes of a quoted text with the escapes of Python 2 strings: \n, \x00, \\ and the like. Throws Error for an
// invalid escape.
std::string DecodeStringEscape(std::string_view text);

// Converts UTF-8 to Latin-1. Throws Error for characters that Latin-1 does not have.
std::string EncodeLatin1(std::string_view text);

}  // namespace orbit

#endif  // ORBIT_DATA_IO_PICKLE_TEXT_H_
