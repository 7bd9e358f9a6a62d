// Zip archives whose entries are stored as they are, such as PyTorch's.
#ifndef ORBIT_DATA_IO_ZIP_H_
#define ORBIT_DATA_IO_ZIP_H_

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace orbit {

// The entries by name, as views of `contents`. Nothing is unpacked: throws Error, naming it, for a compressed or
// encrypted entry, and for an archive that is damaged or lies about places and sizes. Zip64 is understood.
std::map<std::string, std::span<const std::byte>> ReadZip(std::span<const std::byte> contents, const std::string& name);

}  // namespace orbit

#endif  // ORBIT_DATA_IO_ZIP_H_
