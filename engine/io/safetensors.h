// Safetensors files: named tensors and a few strings, the format of published checkpoints and of our own.
//
// Layout (https://huggingface.co/docs/safetensors): 8 bytes with the length N of the header, little endian; N bytes of
// JSON, {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ..., "__metadata__": {...}}; then the
// elements, row-major, without gaps or overlaps.
#ifndef ORBIT_ENGINE_IO_SAFETENSORS_H_
#define ORBIT_ENGINE_IO_SAFETENSORS_H_

#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "engine/tensor_map.h"

namespace orbit::io {

// All dtypes of integers and of floats of 16 bits and more are read, each into the tensor type that holds its values
// (engine/io/elements.h): F16 becomes f32. Those of our tensors are written.
struct Safetensors {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;
};

// Tensors are copied to host memory. Throws Error with the file and the offset of what is wrong with it; a file that
// lies about sizes makes nothing larger than itself be allocated.
Safetensors ReadSafetensors(const std::string& path);
// The same for the contents of a file in memory; `name` is for messages.
Safetensors ParseSafetensors(std::span<const std::byte> contents, const std::string& name);

// Whether a file's first bytes are a safetensors file's; where they tell nothing, whether its name ends so.
bool IsSafetensors(std::span<const std::byte> contents, const std::string& name);

// Writes all of the file or, where it throws Error (a full disk, a name that is not UTF-8), leaves the one before.
void WriteSafetensors(const std::string& path, const Safetensors& contents);

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_SAFETENSORS_H_
