// Where the ranks of a job find rank 0.
#ifndef ORBIT_ENGINE_DISTRIBUTED_RENDEZVOUS_H_
#define ORBIT_ENGINE_DISTRIBUTED_RENDEZVOUS_H_

#include <string>

#include "engine/distributed/socket.h"

namespace orbit {

// "tcp://host:port", where rank 0 listens, or "file:///path", a file on a file system that all ranks share, in which
// rank 0 leaves its addresses until all have come.
class Rendezvous {
 public:
  explicit Rendezvous(const std::string& place);  // throws Error if it is neither

  // For rank 0: accepts connections, and tells the others where. Throws Error if the port is in use or another job is
  // meeting there. A file that a job which has ended left behind is replaced. With `interface` a file tells of that
  // one's address alone.
  Socket Open(const std::string& job, const std::string& interface) const;
  void Close() const noexcept;  // all have come: removes the file

  // For the others: tries once to reach rank 0; if that fails the result is not valid and *problem says why.
  Socket TryConnect(std::string* problem) const;

  const std::string& place() const { return place_; }

 private:
  std::string place_, path_, host_;
  int port_ = 0;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISTRIBUTED_RENDEZVOUS_H_
