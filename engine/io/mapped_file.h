// MappedFile: the contents of a file as read-only memory.
#ifndef ORBIT_ENGINE_IO_MAPPED_FILE_H_
#define ORBIT_ENGINE_IO_MAPPED_FILE_H_

#include <cstddef>
#include <span>
#include <string>

namespace orbit::io {

class MappedFile {
 public:
  explicit MappedFile(const std::string& path);  // throws Error if it is not a regular file or cannot be read
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> contents() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_MAPPED_FILE_H_
