#include "engine/io/recognize.h"

#include <algorithm>
#include <string_view>

#include "kernels/error.h"

namespace orbit::io {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view begin, what;
};

constexpr Signature kSignatures[] = {
    {"version https://git-lfs"sv, "a Git LFS pointer, not the file it points to: `git lfs pull` fetches that"},
    {"/annex/objects/"sv, "a git-annex pointer, not the file it points to: `git annex get` fetches that"},
    {"\x1f\x8b"sv, "compressed with gzip: unpack it first (gunzip)"},
    {"BZh"sv, "compressed with bzip2: unpack it first (bunzip2)"},
    {"\xfd"
     "7zXZ"sv,
     "compressed with xz: unpack it first (unxz)"},
    {"\x28\xb5\x2f\xfd"sv, "compressed with Zstandard: unpack it first (unzstd)"},
    {"7z\xbc\xaf\x27\x1c"sv, "a 7-Zip archive: unpack it first"},
    {"PK\x03\x04"sv, "a zip archive, as .npz files and PyTorch's are"},
    {"\x93NUMPY"sv, "an array of NumPy (.npy)"},
    {"\x89HDF"sv, "an HDF5 file, as Keras writes them"},
    {"GGUF\x02\0"sv, "a GGUF file"},
    {"GGUF\x03\0"sv, "a GGUF file"},
    {"%PDF"sv, "a PDF document"},
    {"\xff\xfe"sv, "text in UTF-16, as PowerShell's > writes it: save it in UTF-8"},
    {"\xfe\xff"sv, "text in UTF-16: save it in UTF-8"},
};

// Converts ASCII letters to upper case.
std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return upper;
}

}  // namespace

std::string Recognize(std::span<const std::byte> contents) {
  std::string_view text(reinterpret_cast<const char*>(contents.data()), std::min<size_t>(contents.size(), 512));
  if (text.size() > 262 && text.substr(257, 5) == "ustar") return "a tar archive: unpack it first";
  for (const Signature& signature : kSignatures)
    if (text.starts_with(signature.begin)) return std::string(signature.what);
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  const std::string start = Upper(text.substr(0, 14));
  for (const char* tag : {"<!DOCTYPE", "<HTML", "<HEAD", "<!--", "<?XML", "<BODY"})
    if (start.starts_with(tag)) return "a web page (HTML or XML): the download gave a page instead of the file";
  return "";
}

void CheckNotForeign(std::span<const std::byte> contents, const std::string& name) {
  const std::string what = Recognize(contents);
  Check(what.empty(), name, " is ", what);
}

}  // namespace orbit::io
