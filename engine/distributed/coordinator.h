// Coordinator: where the ranks of a job meet, and what notices that one is lost. It runs in a thread of rank 0.
#ifndef ORBIT_ENGINE_DISTRIBUTED_COORDINATOR_H_
#define ORBIT_ENGINE_DISTRIBUTED_COORDINATOR_H_

#include <list>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "engine/distributed/connection.h"

namespace orbit {

// How long things take within a deadline, in seconds, so that its messages come before it is over.
struct Patience {
  explicit Patience(double deadline_seconds);

  double deadline;
  double period;     // between signs of life
  double silence;    // after which a rank that gives none is lost
  double operation;  // after which an operation is overdue
};

// Every rank keeps a connection to it, over which it joins, exchanges addresses, gives signs of life and says how far
// it is. The job ends on all ranks, with one message, when a connection closes before the rank has left, when a rank
// is silent or reports an operation that is overdue, aborts, or waits for one that has left.
class Coordinator {
 public:
  Coordinator(Socket listener, int world, std::string job, double deadline);
  // Waits until the other ranks have left, too, or the deadline is over.
  ~Coordinator();

 private:
  struct Member {
    explicit Member(Socket socket) : connection(std::move(socket)) {}
    Connection connection;
    bool open = true;
    int rank = -1;          // before it has joined
    std::string name;       // "rank 1 on node7 (process 1234)"
    double silent = 0;      // seconds since the last sign of life
    int64_t submitted = 0;  // operations
    std::string operation, context;
    bool left = false;
  };

  void Run();
  bool Finished(double elapsed);
  void Handle(Member& member, const Message& message);
  void Join(Member& member, const Message& message);
  void Tick(double elapsed);
  void Lose(Member& member);
  void FailJob(int rank, const std::string& cause);
  std::string WhyOverdue(const Member& reporter) const;
  void CheckAgreement(const Member& member);
  void CheckLeft(const Member& left, const Member& member);
  void Broadcast(const Message& message);
  void Refuse(Member& member, const std::string& why);
  Member* OfRank(int rank);
  static std::string Reported(const Member& member);
  static std::string Whereabouts(const Member& member);

  const Socket listener_;
  const int world_;
  const std::string job_;
  const Patience patience_;
  std::list<Member> members_;
  std::map<std::string, std::string> values_;
  std::vector<std::pair<std::string, Member*>> waiting_;  // for values
  bool complete_ = false;                                 // all have joined
  bool failed_ = false;
  // seconds since the start, since the last sign of life, and since rank 0 has gone
  double age_ = 0, since_alive_ = 0, ending_ = 0;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISTRIBUTED_COORDINATOR_H_
