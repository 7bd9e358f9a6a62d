#include "tools/downloads/downloader.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string_view>

#include "data/io/sha256.h"
#include "engine/io/atomic_file.h"
#include "kernels/error.h"

namespace orbit {
namespace {

constexpr long kOk = 200, kPartialContent = 206, kRangeNotSatisfiable = 416;  // HTTP status codes
constexpr long kSlow = 1000;                                                  // bytes per second
constexpr long kRedirections = 10;

// PATH.part, which only one process at a time can own.
class PartialFile {
 public:
  explicit PartialFile(std::string path) : path_(std::move(path)) {
    descriptor_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    Check(descriptor_ >= 0, "cannot write ", path_, ": ", std::strerror(errno));
    if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0 || !IsStillNamed()) {
      close(descriptor_);
      Fail("another process is writing ", path_);
    }
    size_ = lseek(descriptor_, 0, SEEK_END);
  }
  ~PartialFile() { close(descriptor_); }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  // Keeps what could be written if not everything could.
  void Append(const char* data, size_t bytes) {
    while (bytes > 0) {
      const ssize_t written = write(descriptor_, data, bytes);
      if (written < 0 && errno == EINTR) continue;
      Check(written >= 0, "cannot write ", path_, ": ", std::strerror(errno));
      data += written;
      bytes -= static_cast<size_t>(written);
      size_ += written;
    }
  }

  void Clear() {
    Check(ftruncate(descriptor_, 0) == 0 && lseek(descriptor_, 0, SEEK_SET) == 0, "cannot empty ", path_, ": ",
          std::strerror(errno));
    size_ = 0;
  }

  void Remove() { unlink(path_.c_str()); }

  void RenameTo(const std::string& path) {
    Check(fsync(descriptor_) == 0, "cannot write ", path_, ": ", std::strerror(errno));
    Check(rename(path_.c_str(), path.c_str()) == 0, "cannot rename ", path_, " to ", path, ": ", std::strerror(errno));
    const std::filesystem::path directory = std::filesystem::absolute(path).parent_path();
    if (const int d = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); d >= 0) {
      fsync(d);  // makes the name, too, survive a power failure
      close(d);
    }
  }

  const std::string& path() const { return path_; }
  int64_t size() const { return size_; }

 private:
  // Its previous owner may have renamed it since it was opened here.
  bool IsStillNamed() const {
    struct stat opened, named;
    return fstat(descriptor_, &opened) == 0 && stat(path_.c_str(), &named) == 0 && opened.st_ino == named.st_ino;
  }

  std::string path_;
  int descriptor_;
  int64_t size_ = 0;
};

// One HTTP request for the missing rest of the partial file.
class Transfer {
 public:
  Transfer(const DownloadRequest& request, PartialFile& part) : request_(request), part_(part), resumed_(part.size()) {
    Check(curl_ != nullptr, "libcurl does not start");
    CURL* curl = curl_.get();
    curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, request.url.starts_with("https:") ? "https" : "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kRedirections);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "orbit-download");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(request.connect_seconds));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kSlow);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall_seconds));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_.data());
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::Receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
    if (resumed_ > 0) curl_easy_setopt(curl, CURLOPT_RANGE, (std::to_string(resumed_) + "-").c_str());
  }

  // Returns what went wrong; empty after success.
  std::string Run() {
    const CURLcode code = curl_easy_perform(curl_.get());
    if (!failure_.empty()) return failure_;
    if (code == CURLE_HTTP_RETURNED_ERROR) return "the server answers " + std::to_string(Answer());
    if (code != CURLE_OK) {
      const std::string reason = error_[0] != 0 ? error_.data() : curl_easy_strerror(code);
      return code == CURLE_COULDNT_RESOLVE_HOST ? reason + " (is there a network?)" : reason;
    }
    if (total_ < 0 && !Try([&] { Begin(); })) return failure_;  // not one byte came
    if (request_.size > 0 && part_.size() < request_.size) return "the server ends early";
    if (request_.sha256.empty() && part_.size() == 0) return "the server sends nothing";
    return "";
  }

  long Answer() const {
    long answer = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &answer);
    return answer;
  }

  bool resumed() const { return resumed_ > 0; }

 private:
  static CURL* NewHandle() {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    return started == CURLE_OK ? curl_easy_init() : nullptr;
  }

  static size_t Receive(const char* data, size_t, size_t bytes, void* self) {
    return static_cast<Transfer*>(self)->Append(data, bytes) ? bytes : 0;
  }

  bool Append(const char* data, size_t bytes) {
    return Try([&] {
      if (total_ < 0) Begin();
      if (request_.size > 0 && part_.size() + static_cast<int64_t>(bytes) > request_.size) {
        part_.Clear();
        Fail("the server sends more than the ", request_.size, " bytes due");
      }
      part_.Append(data, bytes);
      if (request_.progress && total_ > 0) request_.progress(part_.size(), total_);
    });
  }

  // Whether the action succeeds; else failure_ says why not.
  bool Try(const std::function<void()>& action) {
    try {
      action();
      return true;
    } catch (const Error& error) {
      failure_ = error.what();
      return false;
    }
  }

  // Called with the first bytes, or at the end where there were none: checks that the answer is what was requested.
  void Begin() {
    const char* type = nullptr;
    curl_easy_getinfo(curl_.get(), CURLINFO_CONTENT_TYPE, &type);
    Check(!request_.sha256.empty() || !type || !std::string_view(type).starts_with("text/html"),
          "the server sends a web page");
    Check(Answer() == kOk || Answer() == kPartialContent, "the server answers ", Answer());
    const bool whole = Answer() == kOk;  // a server without ranges sends the whole file
    curl_off_t length = -1;
    curl_easy_getinfo(curl_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    total_ = length < 0 ? request_.size : whole ? length : resumed_ + length;
    Check(request_.size == 0 || total_ == request_.size, "the server has ", total_, " bytes, where ", request_.size,
          " are due");
    if (whole && resumed_ > 0) {
      part_.Clear();
      resumed_ = 0;
    }
  }

  const DownloadRequest& request_;
  PartialFile& part_;
  int64_t resumed_;     // bytes that were already there
  int64_t total_ = -1;  // size of the file, once known; 0: unknown
  std::string failure_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::unique_ptr<CURL, void (*)(CURL*)> curl_{NewHandle(), curl_easy_cleanup};
};

// Completes the partial file. Returns whether a part of it was already there.
bool Fetch(const DownloadRequest& request, PartialFile& part) {
  if (request.size > 0 && part.size() == request.size) return true;
  Transfer transfer(request, part);
  const std::string failure = transfer.Run();
  if (failure.empty()) return transfer.resumed();
  if (transfer.resumed() && transfer.Answer() == kRangeNotSatisfiable) return true;  // nothing is missing
  std::string rest;
  if (part.size() > 0 && !request.sha256.empty())
    rest = "; " + std::to_string(part.size()) + " bytes are kept in " + part.path() +
           ", and the same command goes on from there";
  else
    part.Remove();
  Fail("cannot download ", request.url, ": ", failure, rest);
}

// The checksum in a file of sha256sum; empty where there is no such file.
std::string ReadRecord(const std::string& path) {
  if (!std::filesystem::exists(path)) return "";
  std::ifstream file(path);
  std::string sha256;
  Check(static_cast<bool>(file >> sha256), "cannot read ", path);
  try {
    return ParseSha256(sha256);
  } catch (const Error& error) {
    Fail(path, ": ", error.what());
  }
}

void WriteRecord(const std::string& path, const std::string& sha256, const std::string& of) {
  io::WriteFileAtomically(path, sha256 + "  " + std::filesystem::path(of).filename().string() + "\n");
}

}  // namespace

Downloaded Download(const DownloadRequest& request) {
  const bool is_pinned = !request.sha256.empty();
  const std::string record = request.path + ".sha256";
  const std::string due = is_pinned ? request.sha256 : ReadRecord(record);
  const std::string source = is_pinned ? " is due" : " is due by " + record + ", which an earlier download has written";
  if (std::filesystem::exists(request.path)) {
    const std::string found = Sha256OfFile(request.path);
    Check(due.empty() || found == due, request.path, " is there already, and is another file: its SHA-256 is ", found,
          ", where ", due, source);
    return {.fetched = false, .sha256 = found, .is_kept = !is_pinned && !due.empty()};
  }
  PartialFile part(request.path + ".part");
  if (!is_pinned || (request.size > 0 && part.size() > request.size)) part.Clear();
  bool resumed = Fetch(request, part);
  std::string found = Sha256OfFile(part.path());
  if (resumed && found != due) {  // the existing part may belong to another file
    part.Clear();
    resumed = Fetch(request, part);
    found = Sha256OfFile(part.path());
  }
  if (!due.empty() && found != due) {
    part.Remove();
    Fail("what ", request.url, " has is not the file that is due: its SHA-256 is ", found, ", where ", due, source,
         "; it was deleted");
  }
  if (due.empty()) {
    if (request.check) {
      try {
        request.check(part.path());
      } catch (const Error& error) {
        part.Remove();
        Fail("what ", request.url, " has is not the file that is due: ", error.what(), "; it was deleted");
      }
    }
    WriteRecord(record, found, request.path);
  }
  part.RenameTo(request.path);
  return {.fetched = true, .sha256 = found, .is_kept = !is_pinned};
}

}  // namespace orbit
