#include "data/io/zip.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "kernels/error.h"

namespace orbit {
namespace {

constexpr uint32_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kEnd64Locator = 0x07064b50, kEntry = 0x02014b50,
                   kLocal = 0x04034b50;
constexpr uint16_t kStored = 0, kDeflated = 8;
constexpr size_t kEndSize = 22, kLocatorSize = 20, kEnd64Size = 56, kEntrySize = 46, kLocalSize = 30;

// Reads little-endian numbers at checked offsets.
class Bytes {
 public:
  Bytes(std::span<const std::byte> contents, const std::string& name) : contents_(contents), name_(name) {}

  std::span<const std::byte> At(uint64_t place, uint64_t size) const {
    Check(place <= contents_.size() && size <= contents_.size() - place, name_, ": a damaged zip archive: ", size,
          " bytes at ", place, " of ", contents_.size());
    return contents_.subspan(place, size);
  }
  template <class T>
  T Number(uint64_t place) const {
    T number;
    std::memcpy(&number, At(place, sizeof(T)).data(), sizeof(T));
    return number;
  }
  size_t size() const { return contents_.size(); }

 private:
  std::span<const std::byte> contents_;
  const std::string& name_;
};

// The end record of the directory; a comment of up to 65,535 bytes may follow it.
size_t FindEnd(const Bytes& bytes, const std::string& name) {
  for (size_t back = kEndSize; back <= kEndSize + 65535 && back <= bytes.size(); ++back)
    if (bytes.Number<uint32_t>(bytes.size() - back) == kEnd) return bytes.size() - back;
  Fail(name, ": truncated, or no zip archive: it has no directory");
}

// Inflates raw deflated bytes. Throws Error, starting with `place`, unless the result has `size` bytes.
std::vector<std::byte> Inflate(std::span<const std::byte> packed, uint64_t size, const std::string& place) {
  std::vector<std::byte> unpacked(size);
  z_stream stream{};
  Check(inflateInit2(&stream, -MAX_WBITS) == Z_OK, place, ": zlib does not start");
  int status = Z_OK;
  // zlib counts in 32 bits, so larger data is processed in pieces.
  for (size_t in = 0, out = 0; status == Z_OK && out < size;) {
    const auto some_in = static_cast<uInt>(std::min<size_t>(packed.size() - in, UINT32_MAX)),
               some_out = static_cast<uInt>(std::min<size_t>(size - out, UINT32_MAX));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data() + in));
    stream.avail_in = some_in;
    stream.next_out = reinterpret_cast<Bytef*>(unpacked.data() + out);
    stream.avail_out = some_out;
    status = inflate(&stream, Z_NO_FLUSH);
    in += some_in - stream.avail_in;
    out += some_out - stream.avail_out;
  }
  const bool whole = stream.total_out == size && (status == Z_OK || status == Z_STREAM_END);
  inflateEnd(&stream);
  Check(whole, place, " is damaged: it does not unpack to ", size, " bytes");
  return unpacked;
}

void CheckChecksum(std::span<const std::byte> contents, uint32_t due, const std::string& place) {
  Check(crc32_z(0, reinterpret_cast<const Bytef*>(contents.data()), contents.size()) == due, place,
        " is damaged: it has another checksum");
}

}  // namespace

ZipArchive::ZipArchive(std::span<const std::byte> contents, const std::string& name)
    : name_(name), budget_(contents.size(), name) {
  const Bytes bytes(contents, name);
  const size_t end = FindEnd(bytes, name);
  uint64_t count = bytes.Number<uint16_t>(end + 10), at = bytes.Number<uint32_t>(end + 16);
  if (end >= kLocatorSize && bytes.Number<uint32_t>(end - kLocatorSize) == kEnd64Locator) {
    const auto end64 = bytes.Number<uint64_t>(end - kLocatorSize + 8);
    bytes.At(end64, kEnd64Size);
    Check(bytes.Number<uint32_t>(end64) == kEnd64, name, ": a damaged zip archive: no zip64 directory at ", end64);
    count = bytes.Number<uint64_t>(end64 + 32);
    at = bytes.Number<uint64_t>(end64 + 48);
  }
  for (uint64_t i = 0; i < count; ++i) {
    bytes.At(at, kEntrySize);
    Check(bytes.Number<uint32_t>(at) == kEntry, name, ": a damaged zip archive: no entry at ", at);
    uint64_t size = bytes.Number<uint32_t>(at + 24), stored = bytes.Number<uint32_t>(at + 20),
             place = bytes.Number<uint32_t>(at + 42);
    const auto name_size = bytes.Number<uint16_t>(at + 28), extra_size = bytes.Number<uint16_t>(at + 30);
    const auto text = bytes.At(at + kEntrySize, name_size);
    const std::string entry(reinterpret_cast<const char*>(text.data()), text.size());
    // Zip64 puts numbers that do not fit into extra field 1: size, stored size and offset, as far as needed.
    for (uint64_t extra = at + kEntrySize + name_size, extra_end = extra + extra_size; extra + 4 <= extra_end;) {
      const auto field = bytes.Number<uint16_t>(extra), field_size = bytes.Number<uint16_t>(extra + 2);
      uint64_t from = extra + 4;
      if (field == 1)
        for (uint64_t* value : {&size, &stored, &place})
          if (*value == 0xffffffff && from + 8 <= extra + 4 + field_size) {
            *value = bytes.Number<uint64_t>(from);
            from += 8;
          }
      extra += 4 + field_size;
    }
    bytes.At(place, kLocalSize);
    Check(bytes.Number<uint32_t>(place) == kLocal, name, ": a damaged zip archive: ", entry, " is not at ", place);
    const uint64_t data = place + kLocalSize + bytes.Number<uint16_t>(place + 26) + bytes.Number<uint16_t>(place + 28);
    entries_[entry] = {.packed = bytes.At(data, stored),
                       .size = size,
                       .method = bytes.Number<uint16_t>(at + 10),
                       .flags = bytes.Number<uint16_t>(at + 8),
                       .checksum = bytes.Number<uint32_t>(at + 16)};
    at += kEntrySize + name_size + extra_size + bytes.Number<uint16_t>(at + 32);
  }
}

std::vector<std::string> ZipArchive::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

std::span<const std::byte> ZipArchive::Read(const std::string& name) {
  const auto found = entries_.find(name);
  Check(found != entries_.end(), name_, ": the archive has no ", name);
  Entry& entry = found->second;
  Check((entry.flags & 1) == 0, name_, ": ", name, " is encrypted");
  Check(entry.method == kStored || entry.method == kDeflated, name_, ": ", name, " is compressed with method ",
        entry.method, "; only deflate is known");
  if (entry.method == kStored) {
    Check(entry.size == entry.packed.size(), name_, ": ", name, " has two sizes");
    return entry.packed;
  }
  if (entry.unpacked.empty() && entry.size > 0) {
    budget_.Take(entry.size);
    entry.unpacked = Inflate(entry.packed, entry.size, name_ + ": " + name);
    CheckChecksum(entry.unpacked, entry.checksum, name_ + ": " + name);
  }
  return entry.unpacked;
}

void ZipArchive::CheckEntries() {
  for (const auto& [name, entry] : entries_) {
    const std::span<const std::byte> contents = Read(name);
    if (entry.method == kStored) CheckChecksum(contents, entry.checksum, name_ + ": " + name);
  }
}

}  // namespace orbit
