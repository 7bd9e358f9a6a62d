#include "data/io/sha256.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "kernels/error.h"

namespace orbit {

struct Sha256::Context {
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(digest); }
};

namespace {

void Require(bool good) { Check(good, "OpenSSL cannot compute a SHA-256 here"); }

}  // namespace

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  Require(context_->digest && EVP_DigestInit_ex(context_->digest, EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;

void Sha256::Add(const void* data, size_t bytes) { Require(EVP_DigestUpdate(context_->digest, data, bytes) == 1); }

std::string Sha256::Hex() {
  std::array<unsigned char, 32> digest{};
  Require(EVP_DigestFinal_ex(context_->digest, digest.data(), nullptr) == 1);
  std::string text;
  for (const unsigned char byte : digest)
    for (const int nibble : {byte >> 4, byte & 15}) text += "0123456789abcdef"[nibble];
  return text;
}

std::string Sha256OfFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  Check(file != nullptr, "cannot read ", path, ": ", std::strerror(errno));
  Sha256 digest;
  std::vector<unsigned char> buffer(1 << 18);
  while (const size_t bytes = std::fread(buffer.data(), 1, buffer.size(), file.get())) digest.Add(buffer.data(), bytes);
  Check(std::ferror(file.get()) == 0, "cannot read ", path, ": ", std::strerror(errno));
  return digest.Hex();
}

std::string ParseSha256(const std::string& text) {
  Check(text.size() == 64 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos, "'", text,
        "' is not a SHA-256: that has 64 hexadecimal digits");
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

}  // namespace orbit
