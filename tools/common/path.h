// Paths as given by the user.
#ifndef ORBIT_TOOLS_COMMON_PATH_H_
#define ORBIT_TOOLS_COMMON_PATH_H_

#include <filesystem>
#include <string>

namespace orbit {

// Resolves a relative path against the directory in which the user called the program. Under `bazel run` that is not
// the current directory.
std::filesystem::path UserPath(const std::string& path);

}  // namespace orbit

#endif  // ORBIT_TOOLS_COMMON_PATH_H_
