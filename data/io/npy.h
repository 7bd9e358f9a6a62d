// NumPy's .npy files (numpy.lib.format, versions 1 to 3).
#ifndef ORBIT_DATA_IO_NPY_H_
#define ORBIT_DATA_IO_NPY_H_

#include <cstddef>
#include <span>
#include <string>

#include "engine/tensor.h"

namespace orbit {

// Arrays of plain numbers in either byte order, in C or Fortran order: floats of 16 to 64 bits, integers of 8 to 64
// bits with and without sign, and bool. What our tensors have no type for is widened (engine/io/elements.h): float16
// becomes f32. Types that are no plain numbers are refused by name. Throws Error with the file and what is wrong with
// it; a file that lies about sizes makes nothing larger than four times itself be allocated.
Tensor ReadNpy(const std::string& path);
// The same for the contents of a file in memory; `name` is for messages.
Tensor ParseNpy(std::span<const std::byte> contents, const std::string& name);

// Writes all of the file or, where it throws Error, leaves the one before.
void WriteNpy(const std::string& path, const Tensor& tensor);

}  // namespace orbit

#endif  // ORBIT_DATA_IO_NPY_H_
