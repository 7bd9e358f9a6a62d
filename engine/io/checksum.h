// Safetensors files with a checksum, by which damaged files are detected.
#ifndef ORBIT_ENGINE_IO_CHECKSUM_H_
#define ORBIT_ENGINE_IO_CHECKSUM_H_

#include <cstddef>
#include <span>
#include <string>

#include "engine/io/contents.h"
#include "engine/io/safetensors.h"

namespace orbit::io {

// WriteSafetensors with one more metadata entry, "checksum": the CRC-32 of the tensors' names, dtypes, shapes and
// elements and of the other metadata.
void WriteChecksummed(const std::string& path, Safetensors contents);

// Throws Error if the checksum is missing or wrong.
Safetensors ReadChecksummed(const std::string& path, const FileReader& read = nullptr);

// The same of a file's contents, without copies: the view holds as long as the contents. `name` is for messages.
SafetensorsView ViewChecksummed(std::span<const std::byte> contents, const std::string& name);

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_CHECKSUM_H_
