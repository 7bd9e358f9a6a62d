// A bound on the memory that a file can make its reader use.
#ifndef ORBIT_DATA_IO_BYTE_BUDGET_H_
#define ORBIT_DATA_IO_BYTE_BUDGET_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/error.h"

namespace orbit {

// Bounds everything that a file can refer to repeatedly, repeat or compress: 64 bytes per byte of the file plus 16 MiB,
// which real files do not reach.
class ByteBudget {
 public:
  ByteBudget(size_t file_bytes, const std::string& name)
      : left_(kBytesPerByte * file_bytes + kFreeBytes), name_(name) {}

  // Throws Error, starting with the file's name, when more is taken than the budget has.
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
