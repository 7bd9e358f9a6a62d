// Ranks as threads of one process, for tests of what works with any communicator.
#ifndef ORBIT_TESTS_ENGINE_TRAINING_THREAD_RANKS_H_
#define ORBIT_TESTS_ENGINE_TRAINING_THREAD_RANKS_H_

#include <algorithm>
#include <barrier>
#include <exception>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "engine/distributed/communicator.h"

namespace orbit {

// Operations are complete when they return; sums are taken in the order of the ranks, in double.
class ThreadRank : public Communicator {
 public:
  struct Meeting {
    explicit Meeting(int world) : barrier(world), tensors(world) {}
    std::barrier<> barrier;
    std::vector<Tensor> tensors;
  };
  ThreadRank(int rank, Meeting& meeting) : rank_(rank), meeting_(meeting) {}

  int rank() const override { return rank_; }
  int world() const override { return static_cast<int>(meeting_.tensors.size()); }
  int local_rank() const override { return rank_; }
  std::string Describe() const override { return "thread " + std::to_string(rank_); }

  Work AllReduce(const Tensor& x, ReduceOp op) override {
    return Exchange(x, [&](const std::vector<Tensor>& all) {
      std::vector<double> result = all[0].ToVector<double>();
      for (size_t rank = 1; rank < all.size(); ++rank) {
        const std::vector<double> other = all[rank].ToVector<double>();
        for (size_t i = 0; i < result.size(); ++i)
          result[i] = op == ReduceOp::kSum   ? result[i] + other[i]
                      : op == ReduceOp::kMax ? std::max(result[i], other[i])
                                             : std::min(result[i], other[i]);
      }
      return result;
    });
  }
  Work Broadcast(const Tensor& x, int root) override {
    return Exchange(x, [&](const std::vector<Tensor>& all) { return all[root].ToVector<double>(); });
  }
  Work AllGather(const Tensor& out, const Tensor& in) override {
    std::vector<double> whole;
    Exchange(in, [&](const std::vector<Tensor>& all) {
      for (const Tensor& part : all)
        for (const double value : part.ToVector<double>()) whole.push_back(value);
      return in.ToVector<double>();
    });
    out.CopyFrom(Tensor::From(whole, out.shape()).To(out.dtype()));
    return {};
  }
  Work ReduceScatter(const Tensor&, const Tensor&) override { Fail("nothing here scatters"); }
  void Barrier() override { meeting_.barrier.arrive_and_wait(); }
  void SetContext(const std::string&) override {}
  void Abort(const std::string&) override {}
  void Check() override {}
  CommunicationStatistics statistics() const override { return {.operations = operations_}; }

 private:
  template <class F>
  Work Exchange(const Tensor& x, const F& combine) {
    ++operations_;
    meeting_.tensors[rank_] = x;
    Barrier();
    const Tensor result = Tensor::From(combine(meeting_.tensors), x.shape()).To(x.dtype());
    Barrier();
    x.CopyFrom(result);
    return {};
  }

  const int rank_;
  Meeting& meeting_;
  int64_t operations_ = 0;
};

// Calls run(communicator) as every rank at once, and rethrows what the first of them threw. A rank that throws must not
// leave others waiting.
inline void RunRanks(int world, const std::function<void(Communicator&)>& run) {
  ThreadRank::Meeting meeting(world);
  std::vector<std::exception_ptr> errors(world);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < world; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        ThreadRank communicator(rank, meeting);
        run(communicator);
      } catch (...) {
        errors[rank] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

}  // namespace orbit

#endif  // ORBIT_TESTS_ENGINE_TRAINING_THREAD_RANKS_H_
