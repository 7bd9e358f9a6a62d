// TCP sockets and network interfaces.
#ifndef ORBIT_ENGINE_DISTRIBUTED_SOCKET_H_
#define ORBIT_ENGINE_DISTRIBUTED_SOCKET_H_

#include <string>
#include <utility>
#include <vector>

namespace orbit {

// Owns a file descriptor.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket();
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  bool valid() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

// Accepts connections on all interfaces; port 0 stands for any free one. Throws Error if the port is in use.
Socket Listen(int port);
// The next of the connections that are waiting; not valid if there is none.
Socket Accept(const Socket& listener);
// Tries all addresses of the host, each for at most the given time. If none answers, the result is not valid and
// *problem says why.
Socket Connect(const std::string& host, int port, double seconds, std::string* problem);

int PortOf(const Socket& socket);
std::string LocalAddress(const Socket& socket);  // of this end: "10.0.0.7"
std::string PeerAddress(const Socket& socket);   // of the other end
bool IsLoopback(const std::string& address);

std::string HostName();

struct NetworkInterface {
  std::string name, address;  // "eth0", "10.0.0.7"
};
std::vector<NetworkInterface> NetworkInterfaces();  // those that are up, loopback last
std::string NamesOfInterfaces();                    // "eth0 (10.0.0.7), lo (127.0.0.1)"
// Throws Error, which lists the interfaces that there are, for an unknown name.
std::string AddressOfInterface(const std::string& name);

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISTRIBUTED_SOCKET_H_
