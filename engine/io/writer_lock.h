// WriterLock: one writer for a directory, on this host or, where the file system is shared and has locks, on any.
#ifndef ORBIT_ENGINE_IO_WRITER_LOCK_H_
#define ORBIT_ENGINE_IO_WRITER_LOCK_H_

#include <string>

namespace orbit::io {

// Holds the lock of DIRECTORY/writer.lock, a file that names its holder and stays. The lock belongs to the open file,
// so the system releases it however the process ends.
class WriterLock {
 public:
  // Throws Error with the host and the process of the one that has it, and where the file cannot be made. On a file
  // system without locks there is nothing to hold, which a line on stderr says.
  explicit WriterLock(const std::string& directory);
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_WRITER_LOCK_H_
