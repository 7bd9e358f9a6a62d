#include "engine/distributed/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "kernels/error.h"

namespace orbit {
namespace {

const sockaddr* Generic(const sockaddr_storage& address) { return reinterpret_cast<const sockaddr*>(&address); }

std::string Text(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text, sizeof text);
    constexpr char kMapped[] = "::ffff:";  // an IPv4 address on a socket that serves both
    if (std::strncmp(text, kMapped, 7) == 0 && std::strchr(text, '.')) return text + 7;
  }
  return text;
}

template <class Function>
sockaddr_storage AddressBy(Function function, const Socket& socket) {
  sockaddr_storage address = {};
  socklen_t size = sizeof address;
  function(socket.descriptor(), reinterpret_cast<sockaddr*>(&address), &size);
  return address;
}

void SendAtOnce(const Socket& socket) {
  const int yes = 1;
  setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

// Connects a non-blocking socket; returns 0 or an errno.
int ConnectWithin(const Socket& socket, const addrinfo& address, double seconds) {
  if (connect(socket.descriptor(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd waiting = {socket.descriptor(), POLLOUT, 0};
  if (poll(&waiting, 1, static_cast<int>(seconds * 1e3)) <= 0) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

}  // namespace

Socket::~Socket() {
  if (descriptor_ >= 0) close(descriptor_);
}

Socket Listen(int port) {
  // One socket for IPv6 and IPv4, or for IPv4 alone where the system has no other.
  for (const int family : {AF_INET6, AF_INET}) {
    Socket listener(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener.valid()) continue;
    const int yes = 1, no = 0;
    setsockopt(listener.descriptor(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_storage address = {};
    address.ss_family = static_cast<sa_family_t>(family);
    socklen_t size = sizeof(sockaddr_in);
    if (family == AF_INET6) {
      setsockopt(listener.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
      reinterpret_cast<sockaddr_in6&>(address).sin6_port = htons(static_cast<uint16_t>(port));
      size = sizeof(sockaddr_in6);
    } else {
      reinterpret_cast<sockaddr_in&>(address).sin_port = htons(static_cast<uint16_t>(port));
    }
    if (bind(listener.descriptor(), Generic(address), size) == 0 && listen(listener.descriptor(), 1024) == 0)
      return listener;
    if (family == AF_INET6 && errno != EADDRINUSE) continue;
    Check(errno != EADDRINUSE, "port ", port, " of ", HostName(),
          " is in use, by another job or another program; choose another one with --rendezvous or MASTER_PORT");
  }
  Fail("cannot listen on port ", port, " of ", HostName(), ": ", std::strerror(errno));
}

Socket Accept(const Socket& listener) {
  Socket accepted(accept4(listener.descriptor(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (accepted.valid()) SendAtOnce(accepted);
  return accepted;
}

Socket Connect(const std::string& host, int port, double seconds, std::string* problem) {
  addrinfo hints = {}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0) {
    *problem = "the host '" + host + "' is unknown here: " + gai_strerror(error);
    return {};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, freeaddrinfo);
  for (const addrinfo* address = found; address; address = address->ai_next) {
    Socket made(socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int error = made.valid() ? ConnectWithin(made, *address, seconds) : errno;
    // A connection to a free port of this machine may, by TCP's rules, connect to itself.
    const bool to_itself = error == 0 && PortOf(made) == port && LocalAddress(made) == PeerAddress(made);
    if (error == 0 && !to_itself) {
      SendAtOnce(made);
      return made;
    }
    *problem = Text(address->ai_addr) + ", port " + std::to_string(port) + ": " +
               (error == ECONNREFUSED || to_itself ? "nobody listens there" : std::strerror(error));
  }
  return {};
}

int PortOf(const Socket& socket) {
  const sockaddr_storage address = AddressBy(getsockname, socket);
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

std::string LocalAddress(const Socket& socket) { return Text(Generic(AddressBy(getsockname, socket))); }
std::string PeerAddress(const Socket& socket) { return Text(Generic(AddressBy(getpeername, socket))); }
bool IsLoopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }

std::string HostName() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

std::vector<NetworkInterface> NetworkInterfaces() {
  ifaddrs* found = nullptr;
  Check(getifaddrs(&found) == 0, "the network interfaces cannot be listed: ", std::strerror(errno));
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> all(found, freeifaddrs);
  std::vector<NetworkInterface> interfaces;
  for (const ifaddrs* one = found; one; one = one->ifa_next) {
    if (!one->ifa_addr || !(one->ifa_flags & IFF_UP)) continue;
    const bool link_local = one->ifa_addr->sa_family == AF_INET6 && Text(one->ifa_addr).starts_with("fe80:");
    if (const std::string address = Text(one->ifa_addr); !address.empty() && !link_local)
      interfaces.push_back({one->ifa_name, address});
  }
  // IPv4 first: it is what clusters route.
  std::stable_sort(interfaces.begin(), interfaces.end(), [](const auto& a, const auto& b) {
    const auto key = [](const NetworkInterface& one) {
      return std::pair(IsLoopback(one.address), one.address.find(':') != std::string::npos);
    };
    return key(a) < key(b);
  });
  return interfaces;
}

std::string NamesOfInterfaces() {
  std::string names;
  for (const NetworkInterface& one : NetworkInterfaces())
    names += (names.empty() ? "" : ", ") + one.name + " (" + one.address + ")";
  return names;
}

std::string AddressOfInterface(const std::string& name) {
  for (const NetworkInterface& one : NetworkInterfaces())
    if (one.name == name) return one.address;
  Fail("--interface: ", HostName(), " has no network interface '", name, "' that is up; it has ", NamesOfInterfaces());
}

}  // namespace orbit
