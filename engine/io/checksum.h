// A checksum within a safetensors file, so that a damaged one is told from a good one.
#ifndef ORBIT_ENGINE_IO_CHECKSUM_H_
#define ORBIT_ENGINE_IO_CHECKSUM_H_

#include <string>

#include "engine/io/safetensors.h"

namespace orbit::io {

// Writes the file with one more metadata entry, "checksum": the CRC-32 of names, dtypes, shapes and elements of the
// tensors and of the other metadata. See WriteSafetensors.
void WriteChecksummed(const std::string& path, Safetensors contents);

// Throws Error where there is no checksum, or another one than is due.
Safetensors ReadChecksummed(const std::string& path);

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_CHECKSUM_H_
