#include "engine/io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "kernels/error.h"

namespace orbit::io {

MappedFile::MappedFile(const std::string& path) {
  const auto reason = [] { return std::generic_category().message(errno); };
  const int descriptor = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  Check(descriptor >= 0, "cannot open ", path, ": ", reason());
  struct stat status;
  const bool regular = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  void* data = nullptr;
  if (regular && status.st_size > 0) data = mmap(nullptr, status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  const std::string error = data == MAP_FAILED ? reason() : "";
  close(descriptor);
  Check(regular, "cannot read ", path, ": not a regular file");
  Check(data != MAP_FAILED, "cannot map ", path, ": ", error);
  data_ = static_cast<const std::byte*>(data);
  size_ = status.st_size;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace orbit::io
