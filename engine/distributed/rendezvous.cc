#include "engine/distributed/rendezvous.h"

#include <poll.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "engine/distributed/connection.h"
#include "engine/io/atomic_file.h"
#include "kernels/error.h"

namespace orbit {
namespace {

constexpr double kConnectSeconds = 2;
constexpr char kFirstLine[] = "ranks of orbit meet";

// What rank 0 leaves in a file.
struct Note {
  std::string host;
  int process = 0, port = 0;
  std::vector<std::string> addresses;  // loopback last

  static bool Read(const std::string& path, Note* note) {
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line) || line != kFirstLine) return false;
    file >> note->host >> note->process >> note->port;
    for (std::string address; file >> address;) note->addresses.push_back(address);
    return note->port > 0 && !note->addresses.empty();
  }

  std::string ToString() const {
    std::string text =
        std::string(kFirstLine) + '\n' + host + ' ' + std::to_string(process) + ' ' + std::to_string(port) + '\n';
    for (const std::string& address : addresses) text += address + '\n';
    return text;
  }

  Socket TryConnect(std::string* problem) const {
    for (const std::string& address : addresses) {
      if (IsLoopback(address) && host != HostName()) continue;
      if (Socket socket = Connect(address, port, kConnectSeconds, problem); socket.valid()) return socket;
    }
    return {};
  }
};

// Whether a coordinator answers.
bool Answers(Socket socket) {
  pollfd waiting = {socket.descriptor(), POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(kConnectSeconds * 1e3)) <= 0) return false;
  std::vector<Message> messages;
  try {
    Connection(std::move(socket)).Receive(&messages);
  } catch (const std::exception&) {
  }
  return !messages.empty();
}

}  // namespace

Rendezvous::Rendezvous(const std::string& place) : place_(place) {
  if (place.starts_with("file://")) {
    path_ = place.substr(7);
    Check(path_.starts_with("/"), "--rendezvous ", place, ": a file has an absolute path, as in file:///shared/job7");
    return;
  }
  const size_t colon = place.rfind(':');
  const bool valid = place.starts_with("tcp://") && colon > 6;
  const char* end = place.data() + place.size();
  Check(valid && std::from_chars(place.data() + colon + 1, end, port_).ptr == end && 0 < port_ && port_ < 65536,
        "--rendezvous ", place, ": it is tcp://HOST:PORT or file:///PATH");
  host_ = place.substr(6, colon - 6);
  if (host_.starts_with("[") && host_.ends_with("]")) host_ = host_.substr(1, host_.size() - 2);  // IPv6
}

Socket Rendezvous::Open(const std::string& job, const std::string& interface) const {
  if (path_.empty()) return Listen(port_);
  std::string ignored;
  if (Note other; Note::Read(path_, &other))
    if (Socket socket = other.TryConnect(&ignored); socket.valid() && Answers(std::move(socket)))
      Fail("another job is meeting at ", place_, ", that of process ", other.process, " on ", other.host,
           job.empty() ? "" : ", not job " + job, "; choose another place with --rendezvous");
  Socket listener = Listen(0);
  Note note = {HostName(), getpid(), PortOf(listener), {}};
  if (!interface.empty())
    note.addresses = {AddressOfInterface(interface)};
  else
    for (const NetworkInterface& one : NetworkInterfaces()) note.addresses.push_back(one.address);
  io::WriteFileAtomically(path_, note.ToString());
  return listener;
}

void Rendezvous::Close() const noexcept {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove(path_, ignored);
}

Socket Rendezvous::TryConnect(std::string* problem) const {
  if (path_.empty()) return Connect(host_, port_, kConnectSeconds, problem);
  Note note;
  if (!Note::Read(path_, &note)) {
    std::error_code ignored;
    *problem = std::filesystem::exists(path_, ignored) ? path_ + " is no file of a meeting of ranks"
                                                       : "rank 0 has not yet written " + path_;
    return {};
  }
  Socket socket = note.TryConnect(problem);
  if (!socket.valid())
    *problem = path_ + " is of process " + std::to_string(note.process) + " on " + note.host +
               ", which does not answer: it may be left over from an earlier job (" + *problem + ")";
  return socket;
}

}  // namespace orbit
