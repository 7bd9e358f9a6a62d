// NumPy's element types, by their names in .npy files and pickles.
#ifndef ORBIT_DATA_IO_NUMPY_TYPE_H_
#define ORBIT_DATA_IO_NUMPY_TYPE_H_

#include <optional>
#include <string_view>

#include "engine/io/elements.h"

namespace orbit {

struct NumpyType {
  io::ElementType type;
  bool big_endian;
};

// Parses "<f8", ">i4", "|u1", "f2": a byte order (default: the machine's), a kind and the bytes per element. Returns
// nothing for types that are not plain numbers: complex numbers, strings, dates, objects, records.
std::optional<NumpyType> ParseNumpyType(std::string_view text);

inline constexpr const char* kNumpyTypes = "f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8, b1";  // for messages

}  // namespace orbit

#endif  // ORBIT_DATA_IO_NUMPY_TYPE_H_
