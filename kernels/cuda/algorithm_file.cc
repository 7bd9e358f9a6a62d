#include "kernels/cuda/algorithm_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <utility>

#include "kernels/error.h"

namespace orbit::kernels {
namespace {

// The line's 64-bit FNV-1a checksum, 16 digits.
std::string ChecksumOf(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char digits[20];
  std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

}  // namespace

AlgorithmFile::AlgorithmFile(std::string path) : path_(std::move(path)) {
  const int64_t ignored = Read();
  if (ignored > 0) std::cerr << path_ << ": " << ignored << " lines are torn or foreign, and are ignored" << std::endl;
}

int64_t AlgorithmFile::Read() {
  std::ifstream file(path_, std::ios::binary);
  int64_t ignored = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    const size_t begin = line.find('\t'), end = line.rfind('\t');
    if (begin == end || ChecksumOf(line.substr(begin + 1)) != line.substr(0, begin))
      ++ignored;
    else
      values_.emplace(line.substr(begin + 1, end - begin - 1), line.substr(end + 1));
  }
  return ignored;
}

std::optional<std::string> AlgorithmFile::Find(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? std::nullopt : std::optional(found->second);
}

std::string AlgorithmFile::Add(const std::string& key, const std::string& value) {
  const std::string text = key + '\t' + value;
  Check(text.find('\n') == std::string::npos && text.find('\t') == text.rfind('\t'), "no line of a file: ", text);
  // It begins with a line end, as what was written last may be torn.
  const std::string line = '\n' + ChecksumOf(text) + '\t' + text + '\n';
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);
  const int file = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  // Appends of one host come one after another anyway; the lock is for those of several hosts to a shared file system.
  if (file >= 0) flock(file, LOCK_EX);
  const ssize_t written = file >= 0 ? write(file, line.data(), line.size()) : -1;
  if (written >= 0 && written < std::ssize(line)) errno = ENOSPC;
  if (written < std::ssize(line)) std::cerr << path_ << ": not kept: " << std::strerror(errno) << std::endl;
  Read();
  if (file >= 0) close(file);
  return values_.emplace(key, value).first->second;
}

}  // namespace orbit::kernels
