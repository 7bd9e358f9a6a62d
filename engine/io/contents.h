// The contents of a file, in memory.
#ifndef ORBIT_ENGINE_IO_CONTENTS_H_
#define ORBIT_ENGINE_IO_CONTENTS_H_

#include <functional>
#include <string>

namespace orbit::io {

// Throws Error if it is not a regular file or cannot be read.
std::string ReadContents(const std::string& path);

// What has another process read a file for this one. Functions that are given none read the file themselves, without a
// copy of its whole contents.
using FileReader = std::function<std::string(const std::string& path)>;

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_CONTENTS_H_
