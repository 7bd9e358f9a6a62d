// Unpacks zip archives.
#ifndef ORBIT_TOOLS_DOWNLOADS_UNPACK_H_
#define ORBIT_TOOLS_DOWNLOADS_UNPACK_H_

#include <filesystem>
#include <string>
#include <vector>

namespace orbit {

// Writes the files of a zip archive that are not there yet to a folder, each as a whole or not at all, and returns the
// paths of all. Throws Error for a damaged archive (data/io/zip.h), and for one with a file outside of the folder.
std::vector<std::string> Unpack(const std::string& archive, const std::filesystem::path& folder);

}  // namespace orbit

#endif  // ORBIT_TOOLS_DOWNLOADS_UNPACK_H_
