#include "tools/downloads/published_files.h"

#include <yaml-cpp/yaml.h>

#include "kernels/error.h"
#include "tools/common/nearest_name.h"

namespace orbit {

extern const char* const kPublishedFilesYaml;  // generated from published_files.yaml

const std::vector<PublishedFile>& PublishedFiles() {
  static const std::vector<PublishedFile> files = [] {
    std::vector<PublishedFile> all;
    for (const auto& entry : YAML::Load(kPublishedFilesYaml)) {
      const auto text = [&](const char* key) { return entry.second[key].as<std::string>(); };
      all.push_back({.name = entry.first.as<std::string>(),
                     .what = text("what"),
                     .file = text("file"),
                     .url = text("url"),
                     .sha256 = entry.second["sha256"].as<std::string>(""),
                     .size = entry.second["size"].as<int64_t>(0),
                     .unpack = entry.second["unpack"].as<bool>(false)});
    }
    return all;
  }();
  return files;
}

const PublishedFile& FindPublishedFile(const std::string& name) {
  std::vector<std::string> names;
  for (const PublishedFile& file : PublishedFiles()) {
    if (file.name == name || file.file == name) return file;
    names.push_back(file.name);
  }
  Fail("unknown file '", name, "'", DidYouMean(name, names));
}

}  // namespace orbit
