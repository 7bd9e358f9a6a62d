// NumPy's .npy files (numpy.lib.format, versions 1 to 3).
#ifndef ORBIT_DATA_IO_NPY_H_
#define ORBIT_DATA_IO_NPY_H_

#include <cstddef>
#include <span>
#include <string>

#include "engine/tensor.h"

namespace orbit {

// Arrays of float32, float64, int32, int64, uint8 and bool (as u8), little endian, in C or Fortran order. Throws Error
// with the file and what is wrong with it; a file that lies about sizes makes nothing larger than itself be allocated.
Tensor ReadNpy(const std::string& path);
// The same for the contents of a file in memory; `name` is for messages.
Tensor ParseNpy(std::span<const std::byte> contents, const std::string& name);

// Writes all of the file or, where it throws Error, leaves the one before.
void WriteNpy(const std::string& path, const Tensor& tensor);

}  // namespace orbit

#endif  // ORBIT_DATA_IO_NPY_H_
