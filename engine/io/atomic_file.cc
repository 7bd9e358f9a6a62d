#include "engine/io/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "kernels/error.h"

namespace orbit::io {
namespace {

constexpr const char* kPartial = ".partial-";

// Makes the names in a directory durable. File systems that do not support this report EINVAL.
bool SyncDirectory(const std::string& directory) {
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool synced = fsync(descriptor) == 0 || errno == EINVAL;
  const int error = errno;
  close(descriptor);
  errno = error;
  return synced;
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  for (int i = 0; descriptor_ < 0; ++i) {
    partial_path_ = path_ + kPartial + std::to_string(getpid()) + "-" + std::to_string(i);
    descriptor_ = open(partial_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) Throw("create");
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!partial_path_.empty()) unlink(partial_path_.c_str());
}

void AtomicFile::Write(const void* data, size_t bytes) {
  const char* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t count = write(descriptor_, next, bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) Throw("write");
    next += count;
    bytes -= count;
    written_ += count;
  }
}

void AtomicFile::Commit() {
  if (fsync(descriptor_) != 0) Throw("flush");
  if (close(std::exchange(descriptor_, -1)) != 0) Throw("close");
  if (rename(partial_path_.c_str(), path_.c_str()) != 0) Throw("replace");
  partial_path_.clear();
  if (!SyncDirectory(DirectoryOf(path_))) Throw("make durable the name of");
}

void AtomicFile::Throw(const char* action) const {
  const std::string reason = std::generic_category().message(errno);
  Fail("cannot ", action, " ", path_, ": ", reason, " (after ", written_, " bytes)");
}

void WriteFileAtomically(const std::string& path, std::string_view contents) {
  AtomicFile file(path);
  file.Write(contents);
  file.Commit();
}

std::string DirectoryOf(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return directory.empty() ? "." : directory;
}

void RemovePartialFiles(const std::string& path) {
  const std::string prefix = std::filesystem::path(path).filename().string() + kPartial;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(DirectoryOf(path), ignored))
    if (entry.path().filename().string().starts_with(prefix)) std::filesystem::remove(entry.path(), ignored);
}

}  // namespace orbit::io
