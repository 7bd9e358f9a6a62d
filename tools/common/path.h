// Paths as the user means them.
#ifndef ORBIT_TOOLS_COMMON_PATH_H_
#define ORBIT_TOOLS_COMMON_PATH_H_

#include <filesystem>
#include <string>

namespace orbit {

// Relative paths are relative to the directory that the user called from, which under `bazel run` is not the current
// one.
std::filesystem::path UserPath(const std::string& path);

}  // namespace orbit

#endif  // ORBIT_TOOLS_COMMON_PATH_H_
