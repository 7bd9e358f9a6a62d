// Downloads files over HTTP and HTTPS with libcurl.
//
// The bytes go to PATH.part, which is renamed when it is complete and its checksum is right; so a file with the final
// name is always the right one. If a transfer breaks off or the process is killed, the next call continues PATH.part.
//
// Where no checksum is known, that of the first download is kept in PATH.sha256, as sha256sum writes it, and is due
// from then on; that of a file that was there before any is not, since it may be any part of the file. A transfer that
// breaks off starts anew, since nothing would tell whether two parts fit together.
#ifndef ORBIT_TOOLS_DOWNLOADS_DOWNLOADER_H_
#define ORBIT_TOOLS_DOWNLOADS_DOWNLOADER_H_

#include <cstdint>
#include <functional>
#include <string>

namespace orbit {

struct DownloadRequest {
  std::string url;
  std::string sha256;  // 64 lower-case hexadecimal digits; empty: not known
  int64_t size = 0;    // bytes, if known; a server that announces another size is refused; 0: any
  std::string path;
  int connect_seconds = 30;  // limit for connecting
  int stall_seconds = 60;    // longest time below 1,000 bytes per second
  // Called often with the number of bytes received and expected, but not while the size is unknown.
  std::function<void(int64_t done, int64_t total)> progress = {};
  // Where no checksum is known: called with the path of what was fetched before its checksum is kept. Throws Error for
  // what is not right, which is deleted.
  std::function<void(const std::string& path)> check = {};
};

struct Downloaded {
  bool fetched = false;  // or it was there already
  std::string sha256;
  bool is_kept = false;  // in PATH.sha256, since this download or an earlier one
};

// Follows redirections, from https to https only, and uses proxies from the environment (see curl). Throws Error,
// saying what is kept and how to continue, if the server cannot be reached or answers with an error or, where no
// checksum is known, with a web page or nothing, the transfer stalls or breaks off, the disk is full, another process
// downloads the same file, or the path holds another file. A file with a wrong checksum is deleted.
Downloaded Download(const DownloadRequest& request);

}  // namespace orbit

#endif  // ORBIT_TOOLS_DOWNLOADS_DOWNLOADER_H_
