// What Python pickles of protocols 0 and 1 write as text.
#ifndef ORBIT_DATA_IO_PICKLE_TEXT_H_
#define ORBIT_DATA_IO_PICKLE_TEXT_H_

#include <string>
#include <string_view>

namespace orbit {

// A decimal integer, "-12", in two's complement, little endian, in as few bytes as hold its sign. Throws Error for what
// is none and beyond Python's own limit of 4,300 digits.
std::string ParseDecimal(std::string_view text);

// UTF-8 of text in Python's "raw-unicode-escape": Latin-1 with the escapes \uXXXX and \UXXXXXXXX. Throws Error for an
// escape that is none.
std::string DecodeRawUnicodeEscape(std::string_view text);

// The bytes of text between quotes with the escapes of Python 2's strings: \n, \x00, \\ and the like. Throws Error for
// an escape that is none.
std::string DecodeStringEscape(std::string_view text);

// The bytes that text in UTF-8 has as its characters. Throws Error for a character beyond them.
std::string EncodeLatin1(std::string_view text);

}  // namespace orbit

#endif  // ORBIT_DATA_IO_PICKLE_TEXT_H_
