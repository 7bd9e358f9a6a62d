// Communicator: collective operations among the processes, or ranks, of one job.
//
//   const auto communicator = MakeCommunicator(options, device);   // make_communicator.h
//   Work sum = communicator->AllReduce(gradient);                  // runs beside what this rank computes next
//   ...
//   sum.Wait();                                                    // the gradient now holds the sum over the ranks
//
// All ranks start the same operations in the same order, with tensors of the same dtype and size. A sum has the same
// bits on every rank, and again in another run of as many ranks. bf16 travels as bf16; its sums are taken in f32, in
// the order of the ranks, and rounded once.
//
// No operation waits for ever. A rank that ends, hangs or reports an error ends the operations of all ranks, at once
// where its connection closes and else after the deadline, with one Error which names the rank, its host, what it was
// doing (SetContext) and the operation. After a failure every further call throws the same.
#ifndef ORBIT_ENGINE_DISTRIBUTED_COMMUNICATOR_H_
#define ORBIT_ENGINE_DISTRIBUTED_COMMUNICATOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/tensor.h"

namespace orbit {

enum class ReduceOp { kSum, kMin, kMax };
const char* NameOf(ReduceOp op);  // "sum", "min", "max"

// An operation that has been started. Copies are handles of the same one.
class Work {
 public:
  class State {
   public:
    virtual ~State() = default;
    virtual void Wait() = 0;
  };

  Work() = default;  // one that is complete
  explicit Work(std::shared_ptr<State> state) : state_(std::move(state)) {}

  // Orders what this rank gives the tensors' device from now on after the operation: results may be used, and inputs
  // may be changed. On the CPU it waits for the operation; on a GPU the host goes on. Every operation has to be waited
  // for. Throws Error if the operation failed.
  void Wait();

 private:
  std::shared_ptr<State> state_;
};

// What the operations so far have cost this rank.
struct CommunicationStatistics {
  int64_t operations = 0;
  int64_t bytes_sent = 0;      // to other ranks. Where a library keeps it to itself, a ring's minimum
  double seconds_busy = 0;     // time in which an operation was under way
  double seconds_waiting = 0;  // of that, time in which the host waited
  bool host_waits = true;      // false: a GPU does, without the host, and seconds_waiting is that of barriers alone

  // The share of the busy time that was hidden behind computation; nothing where that is not known.
  std::optional<double> hidden_share() const;
};

class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;              // of this process, from 0
  virtual int world() const = 0;             // the number of ranks
  virtual int local_rank() const = 0;        // among the ranks of this machine
  virtual std::string Describe() const = 0;  // "rank 1 of 2 on node7, Gloo over TCP (eth0)"

  // Operations are asynchronous. They begin after the work that the tensors' device has been given so far. They keep
  // the tensors' memory alive, and until Wait only they may use it. Tensors may be on any device that the communicator
  // serves, and of any dtype.

  // Replaces x by its sum, minimum or maximum over the ranks, element by element.
  virtual Work AllReduce(const Tensor& x, ReduceOp op = ReduceOp::kSum) = 0;
  // Replaces x by that of rank `root`.
  virtual Work Broadcast(const Tensor& x, int root) = 0;
  // Writes the ranks' `in`, of equal sizes, one after the other to `out`. `in` may be this rank's part of `out`.
  virtual Work AllGather(const Tensor& out, const Tensor& in) = 0;
  // Writes this rank's part, of `world` equal ones, of the sum of `in` over the ranks to `out`, which may be this
  // rank's part of `in`; the other parts of `in` are kept. AllGather of the parts has the values of AllReduce: with
  // Gloo, and of bf16, to the bit, with NCCL otherwise up to rounding.
  virtual Work ReduceScatter(const Tensor& out, const Tensor& in) = 0;
  // Returns on the host when all ranks have come here.
  virtual void Barrier() = 0;

  // What the rank is doing, such as "step 120", for messages.
  virtual void SetContext(const std::string& context) = 0;
  // Ends the operations of all ranks with the message. To be called where this rank cannot go on.
  virtual void Abort(const std::string& message) = 0;
  // Throws the Error of an operation that failed, or of a rank that is lost, if there is one. On a GPU, results are
  // sound only if this has passed after the host has waited for them.
  virtual void Check() = 0;

  virtual CommunicationStatistics statistics() const = 0;
};

// The only rank of its job: operations are complete when they return.
std::shared_ptr<Communicator> MakeSingleProcess();

// Throw Error if the arguments of an operation do not fit together; for implementations.
void CheckBroadcast(const Communicator& communicator, const Tensor& x, int root);
void CheckAllGather(const Communicator& communicator, const Tensor& out, const Tensor& in);
void CheckReduceScatter(const Communicator& communicator, const Tensor& out, const Tensor& in);

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISTRIBUTED_COMMUNICATOR_H_
