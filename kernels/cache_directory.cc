#include "kernels/cache_directory.h"

#include <cstdlib>
#include <filesystem>

namespace orbit {

std::string CacheDirectory() {
  if (const char* directory = std::getenv("ORBIT_CACHE")) return directory;
  if (const char* directory = std::getenv("XDG_CACHE_HOME")) return std::string(directory) + "/orbit";
  if (const char* home = std::getenv("HOME")) return std::string(home) + "/.cache/orbit";
  return (std::filesystem::temp_directory_path() / "orbit").string();
}

}  // namespace orbit
