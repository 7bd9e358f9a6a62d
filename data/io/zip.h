// Zip archives, such as those of PyTorch.
#ifndef ORBIT_DATA_IO_ZIP_H_
#define ORBIT_DATA_IO_ZIP_H_

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "data/io/byte_budget.h"

namespace orbit {

// Keeps a view of the contents, which must outlive it. Supports Zip64.
class ZipArchive {
 public:
  // Throws Error if the archive is damaged or has wrong offsets or sizes.
  ZipArchive(std::span<const std::byte> contents, const std::string& name);

  bool Has(const std::string& entry) const { return entries_.contains(entry); }
  std::vector<std::string> Names() const;  // in byte order
  // The bytes of an entry: in place if it is stored, otherwise unpacked on the first call and kept. Throws Error, with
  // the entry's name, if it does not exist, is encrypted, uses a method other than deflate, or does not unpack to the
  // announced size and checksum.
  std::span<const std::byte> Read(const std::string& entry);
  // Throws Error where Read does for any of the entries, and where the bytes of a stored one have another checksum,
  // which Read leaves out for speed.
  void CheckEntries();

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
