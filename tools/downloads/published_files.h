// The published files that can be downloaded by name: published_files.yaml, built into the program.
#ifndef ORBIT_TOOLS_DOWNLOADS_PUBLISHED_FILES_H_
#define ORBIT_TOOLS_DOWNLOADS_PUBLISHED_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace orbit {

struct PublishedFile {
  std::string name, what;
  std::string file;  // its name on disk
  std::string url;
  std::string sha256;   // in hexadecimal; empty: not known here
  int64_t size = 0;     // bytes; 0: not known here
  bool unpack = false;  // a zip archive, whose files are wanted
};

const std::vector<PublishedFile>& PublishedFiles();
// Finds a file by its name or its name on disk. Throws Error, suggesting the nearest name.
const PublishedFile& FindPublishedFile(const std::string& name);

}  // namespace orbit

#endif  // ORBIT_TOOLS_DOWNLOADS_PUBLISHED_FILES_H_
