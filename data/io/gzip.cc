#include "data/io/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>

namespace orbit {

// inflate() in the middle of a member, or between two.
struct GzipReader::Stream : z_stream {
  Stream() : z_stream{} {}
  bool within_member = true;
};

bool IsGzip(std::span<const std::byte> contents) {
  return contents.size() >= 2 && contents[0] == std::byte{0x1f} && contents[1] == std::byte{0x8b};
}

GzipReader::GzipReader(std::span<const std::byte> packed, const std::string& name)
    : packed_(packed), name_(name), budget_(packed.size(), name), stream_(std::make_unique<Stream>()) {
  Check(inflateInit2(stream_.get(), 16 + MAX_WBITS) == Z_OK, name_, ": zlib does not start");
}

GzipReader::~GzipReader() { inflateEnd(stream_.get()); }

size_t GzipReader::Read(std::span<std::byte> out) {
  Stream& stream = *stream_;
  size_t done = 0;
  while (done < out.size()) {
    if (!stream.within_member) {
      if (!IsGzip(packed_)) {  // the end, which zeros may follow
        Check(std::ranges::all_of(packed_, [](std::byte byte) { return byte == std::byte{0}; }), name_,
              " is damaged: after its compressed data are ", packed_.size(), " bytes that are not");
        packed_ = {};
        break;
      }
      inflateReset(&stream);
      stream.within_member = true;
    }
    // zlib counts in 32 bits, so larger data is processed in pieces.
    const auto in = static_cast<uInt>(std::min<size_t>(packed_.size(), UINT32_MAX)),
               room = static_cast<uInt>(std::min<size_t>(out.size() - done, UINT32_MAX));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed_.data()));
    stream.avail_in = in;
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + done);
    stream.avail_out = room;
    const int status = inflate(&stream, Z_NO_FLUSH);
    packed_ = packed_.subspan(in - stream.avail_in);
    done += room - stream.avail_out;
    budget_.Take(room - stream.avail_out);
    Check(status != Z_BUF_ERROR, name_, " is truncated: it ends within its compressed data");
    Check(status == Z_OK || status == Z_STREAM_END, name_,
          " is damaged: ", stream.msg ? stream.msg : "it does not unpack");
    stream.within_member = status != Z_STREAM_END;
  }
  return done;
}

}  // namespace orbit
