#include "engine/io/checksum.h"

#include <zlib.h>

#include <cstdio>
#include <map>
#include <string_view>

#include "engine/io/mapped_file.h"

namespace orbit::io {
namespace {

constexpr char kName[] = "checksum";

// Of what a file holds. Tensors have to come in the order of their names.
class Checksum {
 public:
  void AddTensor(const std::string& name, DType dtype, const Shape& shape, std::span<const std::byte> elements) {
    AddText(name + " " + NameOf(dtype) + " " + ToString(shape) + "\n");
    Add(elements.data(), elements.size());
  }
  void AddMetadata(const std::map<std::string, std::string>& metadata) {
    for (const auto& [name, text] : metadata)
      if (name != kName) AddText(name + " " + std::to_string(text.size()) + "\n" + text);
  }
  std::string Hex() const {
    char text[16];
    std::snprintf(text, sizeof(text), "%08lx", sum_);
    return text;
  }

 private:
  void AddText(std::string_view text) { Add(text.data(), text.size()); }
  void Add(const void* data, size_t size) {
    if (size > 0) sum_ = crc32_z(sum_, static_cast<const Bytef*>(data), size);  // a null pointer would reset the sum
  }

  uLong sum_ = crc32(0, nullptr, 0);
};

// With the tensors' elements, which the view only refers to.
Safetensors CopyOf(SafetensorsView view) {
  Safetensors contents{.metadata = std::move(view.metadata)};
  for (const auto& [name, shape, elements] : view.tensors)
    contents.tensors.emplace(name, Gather(elements, 0, shape, RowMajorStrides(shape)));
  return contents;
}

}  // namespace

void WriteChecksummed(const std::string& path, Safetensors contents) {
  Checksum checksum;
  for (const auto& [name, tensor] : contents.tensors) {
    const Tensor host = tensor.To(Device{});
    const size_t bytes = static_cast<size_t>(host.bytes());
    checksum.AddTensor(name, tensor.dtype(), tensor.shape(),
                       {bytes > 0 ? static_cast<const std::byte*>(host.raw()) : nullptr, bytes});
  }
  checksum.AddMetadata(contents.metadata);
  contents.metadata[kName] = checksum.Hex();
  WriteSafetensors(path, contents);
}

SafetensorsView ViewChecksummed(std::span<const std::byte> contents, const std::string& name) {
  SafetensorsView view = ViewSafetensors(contents, name);
  const auto expected = view.metadata.find(kName);
  Check(expected != view.metadata.end(), name, " has no checksum: it is no file of ours");
  Checksum checksum;
  for (const auto& [tensor, shape, elements] : view.tensors)
    checksum.AddTensor(tensor, DTypeOf(elements.type), shape, elements.bytes);
  checksum.AddMetadata(view.metadata);
  Check(checksum.Hex() == expected->second, name, " is damaged: its checksum is ", checksum.Hex(), ", not ",
        expected->second);
  view.metadata.erase(expected);
  return view;
}

Safetensors ReadChecksummed(const std::string& path, const FileReader& read) {
  if (!read) return CopyOf(ViewChecksummed(MappedFile(path).contents(), path));
  const std::string contents = read(path);
  return CopyOf(ViewChecksummed(std::as_bytes(std::span(contents)), path));
}

}  // namespace orbit::io
