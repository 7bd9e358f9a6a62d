#include "tools/downloads/unpack.h"

#include <algorithm>

#include "data/io/zip.h"
#include "engine/io/atomic_file.h"
#include "engine/io/mapped_file.h"
#include "kernels/error.h"

namespace orbit {

std::vector<std::string> Unpack(const std::string& archive, const std::filesystem::path& folder) {
  const io::MappedFile file(archive);
  ZipArchive zip(file.contents(), archive);
  std::vector<std::string> paths;
  for (const std::string& name : zip.Names()) {
    if (name.ends_with('/')) continue;  // a folder
    const std::filesystem::path inside(name);
    Check(inside.is_relative() && std::ranges::find(inside, "..") == inside.end(), archive, ": ", name,
          " is outside of the folder");
    const std::filesystem::path path = folder / inside;
    paths.push_back(path.string());
    if (std::filesystem::exists(path)) continue;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    Check(!error, "cannot make the directory ", path.parent_path().string(), ": ", error.message());
    const std::span<const std::byte> contents = zip.Read(name);
    io::WriteFileAtomically(path, {reinterpret_cast<const char*>(contents.data()), contents.size()});
  }
  return paths;
}

}  // namespace orbit
