#include "engine/io/checksum.h"

#include <zlib.h>

#include <cstdio>

namespace orbit::io {
namespace {

constexpr char kName[] = "checksum";

std::string Checksum(const Safetensors& contents) {
  uLong sum = crc32(0, nullptr, 0);
  const auto add = [&](const void* data, size_t size) {
    if (size > 0) sum = crc32_z(sum, static_cast<const Bytef*>(data), size);  // a null pointer would reset the sum
  };
  const auto add_text = [&](const std::string& text) { add(text.data(), text.size()); };
  for (const auto& [name, tensor] : contents.tensors) {
    add_text(name + " " + NameOf(tensor.dtype()) + " " + ToString(tensor.shape()) + "\n");
    const Tensor host = tensor.To(Device{});
    if (host.bytes() > 0) add(host.raw(), static_cast<size_t>(host.bytes()));
  }
  for (const auto& [name, text] : contents.metadata)
    if (name != kName) add_text(name + " " + std::to_string(text.size()) + "\n" + text);
  char text[16];
  std::snprintf(text, sizeof(text), "%08lx", sum);
  return text;
}

}  // namespace

void WriteChecksummed(const std::string& path, Safetensors contents) {
  contents.metadata[kName] = Checksum(contents);
  WriteSafetensors(path, contents);
}

Safetensors ReadChecksummed(const std::string& path) {
  Safetensors contents = ReadSafetensors(path);
  const auto expected = contents.metadata.find(kName);
  Check(expected != contents.metadata.end(), path, " has no checksum: it is no file of ours");
  const std::string actual = Checksum(contents);
  Check(actual == expected->second, path, " is damaged: its checksum is ", actual, ", not ", expected->second);
  contents.metadata.erase(kName);
  return contents;
}

}  // namespace orbit::io
