// Zip archives, such as PyTorch's.
#ifndef ORBIT_DATA_IO_ZIP_H_
#define ORBIT_DATA_IO_ZIP_H_

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "data/io/byte_budget.h"

namespace orbit {

// Keeps a view of the contents, which must outlive it. Zip64 is understood.
class ZipArchive {
 public:
  // Throws Error for an archive that is damaged or lies about places and sizes.
  ZipArchive(std::span<const std::byte> contents, const std::string& name);

  bool Has(const std::string& entry) const { return entries_.contains(entry); }
  std::vector<std::string> Names() const;  // in byte order
  // The bytes of an entry, in the file where they are stored as they are; else unpacked at the first call and kept.
  // Throws Error, naming it, where there is none, for one that is encrypted or packed with another method than deflate,
  // and where its bytes are not those announced.
  std::span<const std::byte> Read(const std::string& entry);

 private:
  struct Entry {
    std::span<const std::byte> packed;
    uint64_t size = 0;
    uint16_t method = 0, flags = 0;
    uint32_t checksum = 0;
    std::vector<std::byte> unpacked;
  };

  std::string name_;
  ByteBudget budget_;
  std::map<std::string, Entry> entries_;
};

}  // namespace orbit

#endif  // ORBIT_DATA_IO_ZIP_H_
