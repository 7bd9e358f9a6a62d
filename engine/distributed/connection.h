// Messages between the ranks and the coordinator of their job.
#ifndef ORBIT_ENGINE_DISTRIBUTED_CONNECTION_H_
#define ORBIT_ENGINE_DISTRIBUTED_CONNECTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/distributed/socket.h"

namespace orbit {

struct Message {
  enum class Kind : uint8_t {
    // from a rank
    kJoin,      // rank; number: the world's size; name: the job; text: host and process
    kSet,       // name, text: a value for all
    kGet,       // name; answered by kValue once it is set
    kProgress,  // number: operations submitted so far; name: the last one; text: the context. Sent regularly
    kOverdue,   // the same, of an operation that is not complete within the deadline; answered by kFail
    kAbort,     // text: why this rank cannot go on
    kLeave,     // number: operations submitted in all
    // from the coordinator
    kAlive,     // sent at once and regularly
    kRefuse,    // text: why the rank cannot join
    kWelcome,   // all are here. name: an address of rank 0 that others reach, or empty; text: a line for every rank
    kValue,     // name, text
    kFail,      // rank; text: what ends the job
    kFarewell,  // all have left
  };
  Kind kind = Kind::kAlive;
  int32_t rank = 0;
  int64_t number = 0;
  std::string name, text;
};

// One end of a connection, which never blocks.
class Connection {
 public:
  explicit Connection(Socket socket) : socket_(std::move(socket)) {}

  const Socket& socket() const { return socket_; }
  void Queue(const Message& message);
  bool queued() const { return !out_.empty(); }  // something waits to be written
  bool Flush();                                  // writes what can be written; false if the connection is closed
  // Appends the messages that have come; false if the connection is closed. Throws Error if the other end speaks
  // something else.
  bool Receive(std::vector<Message>* messages);

 private:
  Socket socket_;
  std::string in_, out_;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISTRIBUTED_CONNECTION_H_
