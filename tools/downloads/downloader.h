// Downloads files over HTTP and HTTPS with libcurl.
//
// The bytes go to PATH.part, which is renamed when it is complete and its checksum is right; so a file with the final
// name is always the right one. If a transfer breaks off or the process is killed, the next call continues PATH.part.
#ifndef ORBIT_TOOLS_DOWNLOADS_DOWNLOADER_H_
#define ORBIT_TOOLS_DOWNLOADS_DOWNLOADER_H_

#include <cstdint>
#include <functional>
#include <string>

namespace orbit {

struct DownloadRequest {
  std::string url;
  std::string sha256;  // 64 lower-case hexadecimal digits
  int64_t size = 0;    // bytes, if known; a server that announces another size is refused; 0: any
  std::string path;
  int connect_seconds = 30;  // limit for connecting
  int stall_seconds = 60;    // longest time below 1,000 bytes per second
  // Called often with the number of bytes received and expected, but not while the size is unknown.
  std::function<void(int64_t done, int64_t total)> progress = {};
};

// Returns false if the file was already there. Follows redirections and uses proxies from the environment (see curl).
// Throws Error, saying what is kept and how to continue, if the server cannot be reached or answers with an error, the
// transfer stalls or breaks off, the disk is full, another process downloads the same file, or the path holds another
// file. A file with a wrong checksum is deleted.
bool Download(const DownloadRequest& request);

}  // namespace orbit

#endif  // ORBIT_TOOLS_DOWNLOADS_DOWNLOADER_H_
