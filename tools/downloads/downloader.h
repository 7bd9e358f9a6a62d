// Fetches files over HTTP and HTTPS, by libcurl.
//
// The bytes go to PATH.part; the file gets its name once it is whole and its checksum holds, so that a file of that
// name is the one that was meant. What a transfer that broke off, or a process that was killed, leaves in PATH.part the
// next call goes on from.
#ifndef ORBIT_TOOLS_DOWNLOADS_DOWNLOADER_H_
#define ORBIT_TOOLS_DOWNLOADS_DOWNLOADER_H_

#include <cstdint>
#include <functional>
#include <string>

namespace orbit {

struct DownloadRequest {
  std::string url;
  std::string sha256;  // 64 hexadecimal digits in lower case
  int64_t size = 0;    // bytes, where known: a server that offers another number is refused; 0: any
  std::string path;
  int connect_seconds = 30;  // for the connection
  int stall_seconds = 60;    // the longest time at less than 1,000 bytes a second
  // What is there of how much, in bytes; called often. Not called while the size is unknown.
  std::function<void(int64_t done, int64_t total)> progress = {};
};

// False where the file was there already. Redirections are followed, and proxies used as the environment says (see
// curl). Throws Error, saying what is kept and how to go on, where the server cannot be reached or answers with an
// error, the transfer stalls or breaks off, the disk is full, another process fetches the same file, or the path holds
// another file; a file of another checksum than the one due is deleted.
bool Download(const DownloadRequest& request);

}  // namespace orbit

#endif  // ORBIT_TOOLS_DOWNLOADS_DOWNLOADER_H_
