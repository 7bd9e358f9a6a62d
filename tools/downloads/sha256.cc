#include "tools/downloads/sha256.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/error.h"

namespace orbit {

std::string Sha256OfFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  Check(file != nullptr, "cannot read ", path, ": ", std::strerror(errno));
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  bool good = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  std::vector<unsigned char> buffer(1 << 18);
  size_t bytes = 0;
  while (good && (bytes = std::fread(buffer.data(), 1, buffer.size(), file.get())) > 0)
    good = EVP_DigestUpdate(context.get(), buffer.data(), bytes) == 1;
  Check(std::ferror(file.get()) == 0, "cannot read ", path, ": ", std::strerror(errno));
  std::array<unsigned char, 32> digest{};
  good = good && EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1;
  Check(good, "OpenSSL cannot compute a SHA-256 here");
  std::string text;
  for (const unsigned char byte : digest)
    for (const int nibble : {byte >> 4, byte & 15}) text += "0123456789abcdef"[nibble];
  return text;
}

std::string ParseSha256(const std::string& text) {
  Check(text.size() == 64 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos, "'", text,
        "' is not a SHA-256: that has 64 hexadecimal digits");
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

}  // namespace orbit
