// Unpacks zip archives.
#ifndef ORBIT_TOOLS_DOWNLOADS_UNPACK_H_
#define ORBIT_TOOLS_DOWNLOADS_UNPACK_H_

#include <filesystem>
#include <string>
#include <vector>

namespace orbit {

struct Unpacked {
  std::string path;
  bool written = false;  // or it was there already
};

// Writes the files of a zip archive that are not there yet to a folder, each as a whole or not at all, and returns all
// of them. Throws Error, before it writes, for a damaged archive (data/io/zip.h), and for one with a file outside of
// the folder; and where another file has the path of one.
std::vector<Unpacked> Unpack(const std::string& archive, const std::filesystem::path& folder);

// Throws Error for a damaged zip archive.
void CheckArchive(const std::string& archive);

}  // namespace orbit

#endif  // ORBIT_TOOLS_DOWNLOADS_UNPACK_H_
