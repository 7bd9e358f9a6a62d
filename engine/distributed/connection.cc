#include "engine/distributed/connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "kernels/error.h"

namespace orbit {
namespace {

// All numbers are in the machine's byte order, which is one in all of a cluster.
struct Header {
  char mark[4] = {'O', 'R', 'B', '1'};
  uint32_t name_bytes = 0, text_bytes = 0;
  int32_t rank = 0;
  int64_t number = 0;
  uint32_t kind = 0, unused = 0;
};

constexpr uint32_t kMostBytes = 1 << 24;

}  // namespace

void Connection::Queue(const Message& message) {
  Header header;
  header.kind = static_cast<uint32_t>(message.kind);
  header.rank = message.rank;
  header.number = message.number;
  header.name_bytes = static_cast<uint32_t>(message.name.size());
  header.text_bytes = static_cast<uint32_t>(message.text.size());
  out_.append(reinterpret_cast<const char*>(&header), sizeof header);
  out_ += message.name;
  out_ += message.text;
}

bool Connection::Flush() {
  while (!out_.empty()) {
    const ssize_t written = send(socket_.descriptor(), out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    out_.erase(0, static_cast<size_t>(written));
  }
  return true;
}

bool Connection::Receive(std::vector<Message>* messages) {
  bool open = true;
  for (char buffer[4096];;) {
    const ssize_t got = recv(socket_.descriptor(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got > 0) {
      in_.append(buffer, static_cast<size_t>(got));
      continue;
    }
    open = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    break;
  }
  for (Header header; in_.size() >= sizeof header;) {
    std::memcpy(&header, in_.data(), sizeof header);
    const bool known = std::memcmp(header.mark, Header().mark, sizeof header.mark) == 0 &&
                       header.kind <= static_cast<uint32_t>(Message::Kind::kFarewell);
    Check(known && header.name_bytes <= kMostBytes && header.text_bytes <= kMostBytes, "the other end of ",
          PeerAddress(socket_), " is another program, or another version of this one");
    const size_t size = sizeof header + header.name_bytes + header.text_bytes;
    if (in_.size() < size) break;
    messages->push_back({static_cast<Message::Kind>(header.kind), header.rank, header.number,
                         in_.substr(sizeof header, header.name_bytes),
                         in_.substr(sizeof header + header.name_bytes, header.text_bytes)});
    in_.erase(0, size);
  }
  return open;
}

}  // namespace orbit
