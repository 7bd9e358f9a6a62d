// SHA-256, by OpenSSL.
#ifndef ORBIT_DATA_IO_SHA256_H_
#define ORBIT_DATA_IO_SHA256_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace orbit {

// Of bytes that come piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();

  void Add(const void* data, size_t bytes);
  void Add(std::string_view text) { Add(text.data(), text.size()); }
  std::string Hex();  // 64 lower-case hexadecimal digits; the last call

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// As Sha256::Hex. Throws Error if the file cannot be read.
std::string Sha256OfFile(const std::string& path);

// Converts a SHA-256 to lower case. Throws Error if the text is not a SHA-256.
std::string ParseSha256(const std::string& text);

}  // namespace orbit

#endif  // ORBIT_DATA_IO_SHA256_H_
