// Unpacks gzip files piece by piece.
#ifndef ORBIT_DATA_IO_GZIP_H_
#define ORBIT_DATA_IO_GZIP_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "data/io/byte_budget.h"

namespace orbit {

bool IsGzip(std::span<const std::byte> contents);  // judging by the first bytes

// Keeps a view of the packed contents, which must outlive it. Files of several members are read as one.
class GzipReader {
 public:
  GzipReader(std::span<const std::byte> packed, const std::string& name);
  ~GzipReader();

  // Fills `out` as far as there is data and returns the number of bytes; 0: the end. Throws Error, starting with the
  // name, for a file that is damaged, truncated or larger than its size justifies (byte_budget.h).
  size_t Read(std::span<std::byte> out);

 private:
  struct Stream;
  std::span<const std::byte> packed_;
  std::string name_;
  ByteBudget budget_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace orbit

#endif  // ORBIT_DATA_IO_GZIP_H_
