#include "tools/common/path.h"

#include <cstdlib>

namespace orbit {

std::filesystem::path UserPath(const std::string& path) {
  const char* directory = std::getenv("BUILD_WORKING_DIRECTORY");
  return directory ? std::filesystem::path(directory) / path : std::filesystem::absolute(path);
}

}  // namespace orbit
