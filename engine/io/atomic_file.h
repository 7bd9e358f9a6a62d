// AtomicFile: replaces a file as a whole or not at all.
//
// The bytes go to PATH.partial-PID-N next to the target. Commit() makes them durable, renames the file and makes the
// name durable. If the process is killed at any moment, the previous file is intact; a partial file may remain.
#ifndef ORBIT_ENGINE_IO_ATOMIC_FILE_H_
#define ORBIT_ENGINE_IO_ATOMIC_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace orbit::io {

// Every function throws Error with the file, the action and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();  // without Commit(), removes the partial file
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void Write(const void* data, size_t bytes);
  void Write(std::string_view text) { Write(text.data(), text.size()); }
  void Commit();  // the last call

 private:
  [[noreturn]] void Throw(const char* action) const;

  std::string path_;
  std::string partial_path_;
  int descriptor_ = -1;
  size_t written_ = 0;
};

void WriteFileAtomically(const std::string& path, std::string_view contents);

// The directory that a file is in: "." for a name alone.
std::string DirectoryOf(const std::string& path);

// Deletes the partial files of killed writers of this path. Only for paths with one writer at a time.
void RemovePartialFiles(const std::string& path);

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_ATOMIC_FILE_H_
