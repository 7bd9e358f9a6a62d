#include "engine/io/writer_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include "kernels/error.h"

namespace orbit::io {

WriterLock::WriterLock(const std::string& directory) {
  const std::string path = directory + "/writer.lock";
  descriptor_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  Check(descriptor_ >= 0, "cannot write to ", directory, ": ", std::strerror(errno));
  struct flock lock = {};
  lock.l_type = F_WRLCK;  // the whole file: from 0, and of length 0
  if (fcntl(descriptor_, F_OFD_SETLK, &lock) == 0) {
    char host[256] = "";
    gethostname(host, sizeof(host) - 1);
    const std::string holder = "process " + std::to_string(getpid()) + " on " + host + "\n";
    // Whom the file names is a courtesy: a full disk must not cost the lock.
    if (ftruncate(descriptor_, 0) == 0 && pwrite(descriptor_, holder.data(), holder.size(), 0) >= 0) fsync(descriptor_);
    return;
  }
  const int error = errno;
  if (error != EAGAIN && error != EACCES) {
    std::cerr << directory << ": no lock keeps other writers away: " << std::strerror(error) << std::endl;
    return;
  }
  close(descriptor_);
  std::string holder;
  std::ifstream file(path);
  if (!std::getline(file, holder)) holder = "another process";
  Fail(directory, " is being written by ", holder);
}

WriterLock::~WriterLock() { close(descriptor_); }

}  // namespace orbit::io
