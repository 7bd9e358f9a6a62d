// A directory that ranks write to together.
#ifndef ORBIT_TOOLS_EXPERIMENTS_SHARED_DIRECTORY_H_
#define ORBIT_TOOLS_EXPERIMENTS_SHARED_DIRECTORY_H_

#include <string>

#include "engine/distributed/communicator.h"

namespace orbit {

struct SharedDirectory {
  std::string path;   // absolute
  std::string token;  // 16 hexadecimal digits, drawn anew by every call
};

// Rank 0's directory, on all ranks, which call this at the same time. Rank 0 has to be able to write there. Throws
// Error where this rank does not see the same directory at its path, within some seconds.
SharedDirectory ShareDirectory(const std::string& of_first, Communicator& ranks, Device device);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_SHARED_DIRECTORY_H_
