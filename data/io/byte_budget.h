// A bound on what a file can make its reader hold.
#ifndef ORBIT_DATA_IO_BYTE_BUDGET_H_
#define ORBIT_DATA_IO_BYTE_BUDGET_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/error.h"

namespace orbit {

// What a file may refer to again and again, repeat or compress is made in proportion to the file's size only: 64 bytes
// for each of its own, and 16 MiB, which real files do not reach.
class ByteBudget {
 public:
  ByteBudget(size_t file_bytes, const std::string& name)
      : left_(kBytesPerByte * file_bytes + kFreeBytes), name_(name) {}

  // Throws Error, beginning with the file's name, once more is taken than there is.
  void Take(uint64_t bytes) {
    Check(bytes <= left_, name_, " repeats itself beyond what its size justifies");
    left_ -= bytes;
  }

 private:
  static constexpr uint64_t kBytesPerByte = 64, kFreeBytes = uint64_t{16} << 20;
  uint64_t left_;
  std::string name_;
};

}  // namespace orbit

#endif  // ORBIT_DATA_IO_BYTE_BUDGET_H_
