// AppendedFile: a file that grows by whole pieces, such as lines.
#ifndef ORBIT_ENGINE_IO_APPENDED_FILE_H_
#define ORBIT_ENGINE_IO_APPENDED_FILE_H_

#include <string>
#include <string_view>

namespace orbit::io {

class AppendedFile {
 public:
  // Opens or makes the file. Throws Error where that fails.
  explicit AppendedFile(std::string path);
  ~AppendedFile();
  AppendedFile(const AppendedFile&) = delete;
  AppendedFile& operator=(const AppendedFile&) = delete;

  // Writes a piece behind what is there. Throws Error if it cannot, because the disk is full, say: the file then ends
  // with the last whole piece, and the next call writes this one too.
  void Append(std::string_view piece);

 private:
  std::string path_;
  std::string unwritten_;
  int descriptor_;
};

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_APPENDED_FILE_H_
