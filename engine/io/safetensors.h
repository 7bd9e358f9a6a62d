// Safetensors files: named tensors and some strings, the format of published checkpoints and of our own.
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
#include <vector>

#include "engine/io/elements.h"
#include "engine/tensor_map.h"

namespace orbit::io {

// Reads all dtypes of integers and of floats with at least 16 bits, each into the tensor type that holds its values
// (engine/io/elements.h); F16, for example, becomes f32. Writes the dtypes of our tensors.
struct Safetensors {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;
};

// Tensors are copied to host memory. Throws Error with the file and the offset of the fault. Wrong sizes in a file
// cannot make it allocate more memory than the file's own size.
Safetensors ReadSafetensors(const std::string& path);
// ReadSafetensors for contents in memory; `name` is for messages.
Safetensors ParseSafetensors(std::span<const std::byte> contents, const std::string& name);

// The tensors where they are in a file's contents, in the order of the names.
struct SafetensorsView {
  struct Entry {
    std::string name;
    Shape shape;
    Elements elements;
  };
  std::vector<Entry> tensors;
  std::map<std::string, std::string> metadata;
};

// ParseSafetensors without copies: the view holds as long as the contents.
SafetensorsView ViewSafetensors(std::span<const std::byte> contents, const std::string& name);

// Whether the first bytes are those of a safetensors file or, if they do not tell, whether the name ends in
// .safetensors.
bool IsSafetensors(std::span<const std::byte> contents, const std::string& name);

// Writes the whole file, or throws Error (a full disk, a name that is not UTF-8) and leaves the previous one.
void WriteSafetensors(const std::string& path, const Safetensors& contents);

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_SAFETENSORS_H_
