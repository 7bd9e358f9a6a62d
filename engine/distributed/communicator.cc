#include "engine/distributed/communicator.h"

#include <algorithm>
#include <utility>

#include "kernels/error.h"

namespace orbit {
namespace {

void CheckParts(const char* operation, const Communicator& communicator, const Tensor& whole, const Tensor& part) {
  Check(whole.defined() && part.defined() && whole.dtype() == part.dtype() && whole.device() == part.device() &&
            whole.size() == part.size() * communicator.world(),
        operation, " among ", communicator.world(), " ranks takes a part and a tensor of as many such parts; got ",
        part.defined() ? part.Describe() : "nothing", " and ", whole.defined() ? whole.Describe() : "nothing");
}

class SingleProcess : public Communicator {
 public:
  int rank() const override { return 0; }
  int world() const override { return 1; }
  int local_rank() const override { return 0; }
  std::string Describe() const override { return "a single process"; }

  Work AllReduce(const Tensor& x, ReduceOp) override {
    orbit::Check(x.defined(), "all-reduce of an undefined tensor");
    return Done();
  }
  Work Broadcast(const Tensor& x, int root) override {
    CheckBroadcast(*this, x, root);
    return Done();
  }
  Work AllGather(const Tensor& out, const Tensor& in) override {
    CheckAllGather(*this, out, in);
    return Copy(out, in);
  }
  Work ReduceScatter(const Tensor& out, const Tensor& in) override {
    CheckReduceScatter(*this, out, in);
    return Copy(out, in);
  }
  void Barrier() override { Check(); }

  void SetContext(const std::string&) override {}
  void Abort(const std::string& message) override { failure_ = message; }
  void Check() override { orbit::Check(failure_.empty(), failure_); }
  CommunicationStatistics statistics() const override { return statistics_; }

 private:
  Work Done() {
    Check();
    ++statistics_.operations;
    return {};
  }
  Work Copy(const Tensor& out, const Tensor& in) {
    if (out.size() > 0 && out.raw() != in.raw()) out.CopyFrom(in.Reshape(out.shape()));
    return Done();
  }

  std::string failure_;
  CommunicationStatistics statistics_;
};

}  // namespace

std::optional<double> CommunicationStatistics::hidden_share() const {
  if (!host_waits || seconds_busy == 0) return std::nullopt;
  return std::max(0.0, 1 - seconds_waiting / seconds_busy);
}

const char* NameOf(ReduceOp op) {
  switch (op) {
    case ReduceOp::kMin:
      return "min";
    case ReduceOp::kMax:
      return "max";
    case ReduceOp::kSum:
      break;
  }
  return "sum";
}

void Work::Wait() {
  if (state_) state_->Wait();
}

std::shared_ptr<Communicator> MakeSingleProcess() { return std::make_shared<SingleProcess>(); }

void CheckBroadcast(const Communicator& communicator, const Tensor& x, int root) {
  Check(x.defined(), "broadcast of an undefined tensor");
  Check(0 <= root && root < communicator.world(), "broadcast from rank ", root, " of ", communicator.world(), " ranks");
}

void CheckAllGather(const Communicator& communicator, const Tensor& out, const Tensor& in) {
  CheckParts("all-gather", communicator, out, in);
}

void CheckReduceScatter(const Communicator& communicator, const Tensor& out, const Tensor& in) {
  CheckParts("reduce-scatter", communicator, in, out);
}

}  // namespace orbit
