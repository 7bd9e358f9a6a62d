#include "tools/downloads/unpack.h"

#include <algorithm>

#include "data/io/zip.h"
#include "engine/io/atomic_file.h"
#include "engine/io/mapped_file.h"
#include "kernels/error.h"

namespace orbit {

std::vector<Unpacked> Unpack(const std::string& archive, const std::filesystem::path& folder) {
  const io::MappedFile file(archive);
  ZipArchive zip(file.contents(), archive);
  zip.CheckEntries();
  std::vector<Unpacked> files;
  for (const std::string& name : zip.Names()) {
    if (name.ends_with('/')) continue;  // a folder
    const std::filesystem::path inside(name);
    Check(inside.is_relative() && std::ranges::find(inside, "..") == inside.end(), archive, ": ", name,
          " is outside of the folder");
    const std::filesystem::path path = folder / inside;
    const std::span<const std::byte> contents = zip.Read(name);
    const bool exists = std::filesystem::exists(path);
    files.push_back({.path = path.string(), .written = !exists});
    if (exists) {
      const io::MappedFile there(path);
      Check(std::ranges::equal(there.contents(), contents), path.string(),
            " is there already, and is another file than ", name, " of ", archive);
      continue;
    }
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    Check(!error, "cannot make the directory ", path.parent_path().string(), ": ", error.message());
    io::WriteFileAtomically(path, {reinterpret_cast<const char*>(contents.data()), contents.size()});
  }
  return files;
}

void CheckArchive(const std::string& archive) {
  const io::MappedFile file(archive);
  ZipArchive(file.contents(), archive).CheckEntries();
}

}  // namespace orbit
