// SHA-256 of files, from OpenSSL.
#ifndef ORBIT_TOOLS_DOWNLOADS_SHA256_H_
#define ORBIT_TOOLS_DOWNLOADS_SHA256_H_

#include <string>

namespace orbit {

// 64 hexadecimal digits, in lower case. Throws Error where the file cannot be read.
std::string Sha256OfFile(const std::string& path);

// The same digits in lower case. Throws Error for what is not a SHA-256.
std::string ParseSha256(const std::string& text);

}  // namespace orbit

#endif  // ORBIT_TOOLS_DOWNLOADS_SHA256_H_
