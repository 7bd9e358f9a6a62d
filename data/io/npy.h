// NumPy's .npy files (numpy.lib.format, versions 1 to 3).
#ifndef ORBIT_DATA_IO_NPY_H_
#define ORBIT_DATA_IO_NPY_H_

#include <cstddef>
#include <span>
#include <string>

#include "engine/tensor.h"

namespace orbit {

// Reads arrays of numbers in either byte order, in C or Fortran order: floats of 16 to 64 bits, signed and unsigned
// integers of 8 to 64 bits, and bool. Types that our tensors do not have are widened (engine/io/elements.h), float16 to
// f32, for example; types that are not numbers are rejected by name. Throws Error with the file and the fault. Wrong
// sizes in a file cannot make it allocate more than four times the file's own size.
Tensor ReadNpy(const std::string& path);
// ReadNpy for contents in memory; `name` is for messages.
Tensor ParseNpy(std::span<const std::byte> contents, const std::string& name);

// Writes the whole file, or throws Error and leaves the previous one.
void WriteNpy(const std::string& path, const Tensor& tensor);

}  // namespace orbit

#endif  // ORBIT_DATA_IO_NPY_H_
