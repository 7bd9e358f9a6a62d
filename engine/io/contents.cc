#include "engine/io/contents.h"

#include "engine/io/mapped_file.h"

namespace orbit::io {

std::string ReadContents(const std::string& path) {
  const MappedFile file(path);
  return {reinterpret_cast<const char*>(file.contents().data()), file.contents().size()};
}

}  // namespace orbit::io
