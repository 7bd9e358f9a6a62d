// A server of one file over HTTP on the loopback interface, which can be made to fail.
#ifndef ORBIT_TESTS_TOOLS_DOWNLOADS_HTTP_SERVER_H_
#define ORBIT_TESTS_TOOLS_DOWNLOADS_HTTP_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace orbit {

// The number after "bytes=" in a request; 0 if it does not ask for a range.
inline size_t RangeStart(const std::string& request) {
  const size_t at = request.find("Range: bytes=");
  return at == std::string::npos ? 0 : std::stoul(request.substr(at + 13));
}

class HttpServer {
 public:
  // What is sent in response to a request, including headers, before the connection is closed; "" leaves it open and
  // silent.
  using Answer = std::function<std::string(const std::string& request)>;

  explicit HttpServer(Answer answer) : answer_(std::move(answer)), socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    if (bind(socket_, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(socket_, 8) != 0 ||
        getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length) != 0)
      throw std::runtime_error("no loopback interface to serve on");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~HttpServer() { Stop(); }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Refuses connections from now on.
  void Stop() {
    if (!thread_.joinable()) return;
    shutdown(socket_, SHUT_RDWR);
    thread_.join();
    close(socket_);
    for (const int connection : silent_) close(connection);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/file"; }
  // The requests so far; call after the transfer that made them.
  const std::vector<std::string>& requests() const { return requests_; }

  // A file; `ranges` says whether ranges are supported. The connection ends after `cut` bytes of the body.
  static Answer File(std::string body, bool ranges = true, size_t cut = std::string::npos) {
    return [=](const std::string& request) -> std::string {
      const size_t start = ranges ? RangeStart(request) : 0;
      if (start > 0 && start >= body.size()) return Status("416 Range Not Satisfiable");
      return "HTTP/1.1 " + std::string(start > 0 ? "206 Partial Content" : "200 OK") +
             "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size() - start) + "\r\n\r\n" +
             body.substr(start, cut);
    };
  }
  static std::string Status(const std::string& status, const std::string& headers = "") {
    return "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: 4\r\n" + headers + "\r\nbody";
  }

 private:
  void Serve() {
    for (int connection; (connection = accept(socket_, nullptr, nullptr)) >= 0;) {
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = recv(connection, buffer, sizeof(buffer), 0);
        if (got <= 0) break;
        request.append(buffer, got);
      }
      requests_.push_back(request);
      const std::string answer = answer_(request);
      if (answer.empty()) {
        silent_.push_back(connection);
        continue;
      }
      for (size_t sent = 0; sent < answer.size();) {
        const ssize_t now = send(connection, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
        if (now <= 0) break;
        sent += now;
      }
      close(connection);
    }
  }

  Answer answer_;
  int socket_;
  int port_ = 0;
  std::vector<std::string> requests_;
  std::vector<int> silent_;
  std::thread thread_;
};

}  // namespace orbit

#endif  // ORBIT_TESTS_TOOLS_DOWNLOADS_HTTP_SERVER_H_
