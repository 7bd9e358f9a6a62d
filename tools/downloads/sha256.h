// SHA-256 of files, by OpenSSL.
#ifndef ORBIT_TOOLS_DOWNLOADS_SHA256_H_
#define ORBIT_TOOLS_DOWNLOADS_SHA256_H_

#include <string>

namespace orbit {

// 64 lower-case hexadecimal digits. Throws Error if the file cannot be read.
std::string Sha256OfFile(const std::string& path);

// Converts a SHA-256 to lower case. Throws Error if the text is not a SHA-256.
std::string ParseSha256(const std::string& text);

}  // namespace orbit

#endif  // ORBIT_TOOLS_DOWNLOADS_SHA256_H_
