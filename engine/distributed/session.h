// Session: this rank's part in a job, from the meeting of the ranks until all have left.
#ifndef ORBIT_ENGINE_DISTRIBUTED_SESSION_H_
#define ORBIT_ENGINE_DISTRIBUTED_SESSION_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/distributed/connection.h"
#include "engine/distributed/coordinator.h"
#include "engine/distributed/rank.h"

namespace orbit {

// When the job fails, this rank's operations do, and so the program ends. A process that has not let go of its session
// within the deadline after that hangs, and is ended with status 1.
class Session {
 public:
  // Meets the other ranks. Throws Error, within the deadline, if they do not come together: nobody answers, another
  // job or program does, the port is in use, a file is of an earlier job, or ranks are missing.
  Session(const JobRank& ranks, const std::string& interface, double deadline);
  // Leaves, and waits for the others to do so, unless the job has failed. Where an exception ends this rank, they are
  // told.
  ~Session();
  Session(const Session&) = delete;

  const JobRank& ranks() const { return ranks_; }
  const Patience& patience() const { return patience_; }
  const std::string& name() const { return name_; }                    // "rank 1 on node7 (process 1234)"
  const std::string& name_of(int rank) const { return names_[rank]; }  // of any rank
  const std::string& address() const { return address_; }              // of this machine, which the others reach

  // Values for all ranks. Get waits until the value is set. Throws Error if that takes longer than the deadline.
  void Set(const std::string& name, const std::string& value);
  std::string Get(const std::string& name);

  // What this rank is doing.
  void SetContext(const std::string& context);
  // Counts an operation, such as "all-reduce of f32 [3]", and returns its name: "all-reduce 7 of f32 [3]" for
  // Submit("all-reduce", "f32 [3]").
  std::string Submit(const std::string& kind, const std::string& arguments);

  // Has the callback called, in a thread of the session, when the job fails, and in place of an earlier one, of which
  // no call is under way any more when this returns.
  void OnFailure(std::function<void()> callback);
  bool failed() const;
  // Why the job has failed, with where this rank is; empty if it has not.
  std::string failure() const;
  void Check() const;  // throws it
  // Tells the others that this rank starts no further operation.
  void Leave();
  // Waits until all have left, the job has failed, or the deadline is over.
  void AwaitFarewell();
  // Ends the job on all ranks.
  void Abort(const std::string& message);
  // The same, where an exception is ending this rank.
  void AbortIfUnwinding();
  // For an operation that is overdue or broken: waits for the coordinator's word on which rank is the cause, or ends
  // the job with `symptom`, what this rank saw of it. failure() is set afterwards.
  void ReportOverdue(const std::string& symptom);
  void ReportBroken(const std::string& symptom);

 private:
  void Meet(const std::string& interface);
  void Run();
  [[noreturn]] void EndProcess() const;
  void Handle(const Message& message);
  void Post(const Message& message);
  void SetFailure(const std::string& cause);
  void EndJob(const std::string& message, bool in_operation);
  std::string Whereabouts(bool with_operation) const;
  Message Progress(Message::Kind kind) const;

  const JobRank ranks_;
  const Patience patience_;
  std::string name_, address_;
  std::vector<std::string> names_;

  std::unique_ptr<Coordinator> coordinator_;  // on rank 0
  std::unique_ptr<Connection> connection_;    // guarded by mutex_ once the thread runs
  Socket wake_;                               // has the thread look at what is queued

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<std::string, std::string> values_;
  int64_t submitted_ = 0;
  std::string operation_, context_;
  std::string failure_;
  bool left_ = false, parted_ = false, farewell_ = false, stop_ = false;

  std::mutex callback_mutex_;
  std::function<void()> on_failure_;  // guarded by callback_mutex_

  const int exceptions_;  // that were under way when the session began
  std::thread thread_;    // the last member: it uses the others
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISTRIBUTED_SESSION_H_
