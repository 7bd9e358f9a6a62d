#include "engine/io/appended_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "kernels/error.h"

namespace orbit::io {

AppendedFile::AppendedFile(std::string path)
    : path_(std::move(path)), descriptor_(open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)) {
  Check(descriptor_ >= 0, "cannot append to ", path_, ": ", std::generic_category().message(errno));
}

AppendedFile::~AppendedFile() { close(descriptor_); }

void AppendedFile::Append(std::string_view piece) {
  unwritten_ += piece;
  const off_t size = lseek(descriptor_, 0, SEEK_END);
  std::string_view rest = unwritten_;
  while (!rest.empty()) {
    const ssize_t count = write(descriptor_, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const std::string reason = std::generic_category().message(errno);
      [[maybe_unused]] const int ignored = ftruncate(descriptor_, size);
      Fail("cannot write to ", path_, ": ", reason);
    }
    rest.remove_prefix(count);
  }
  unwritten_.clear();
}

}  // namespace orbit::io
