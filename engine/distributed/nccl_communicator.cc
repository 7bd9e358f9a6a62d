#include "engine/distributed/nccl_communicator.h"

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "engine/backend.h"
#include "engine/capture.h"
#include "engine/distributed/nccl_api.h"
#include "engine/profiling.h"
#include "kernels/error.h"

namespace orbit {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

nccl::DataType DataTypeOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return nccl::kFloat32;
    case DType::kBF16:
      return nccl::kBfloat16;
    case DType::kF64:
      return nccl::kFloat64;
    case DType::kI32:
      return nccl::kInt32;
    case DType::kI64:
      return nccl::kInt64;
    case DType::kU8:
      break;
  }
  return nccl::kUint8;
}

nccl::RedOp RedOpOf(ReduceOp op) {
  return op == ReduceOp::kSum ? nccl::kSum : op == ReduceOp::kMin ? nccl::kMin : nccl::kMax;
}

class NcclCommunicator : public Communicator {
 public:
  NcclCommunicator(std::unique_ptr<Session> session, Device device, const std::string& interface)
      : session_(std::move(session)),
        device_(device),
        api_(nccl::Load()),
        queue_(BackendOf(device.type).MakeSideQueue(device.index)),
        barrier_(Tensor::Zeros({1}, DType::kI32, device)) {
    orbit::Check(queue_ != nullptr, "NCCL is for GPUs, not for ", NameOf(device), "; --collectives gloo serves it");
    statistics_.host_waits = device.type != DeviceType::kCuda;
    if (!interface.empty()) setenv("NCCL_SOCKET_IFNAME", interface.c_str(), 0);
    SetUp();
    watch_ = std::thread([this] { Watch(); });
  }

  ~NcclCommunicator() override {
    session_->AbortIfUnwinding();
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return in_flight_.empty() || aborted_; });
      stop_ = true;
    }
    changed_.notify_all();
    watch_.join();
    TearDown();
  }

  int rank() const override { return session_->ranks().rank; }
  int world() const override { return session_->ranks().world; }
  int local_rank() const override { return session_->ranks().local_rank; }
  std::string Describe() const override {
    return "rank " + std::to_string(rank()) + " of " + std::to_string(world()) + " on " + HostName() + ", NCCL " +
           nccl::VersionText(api_.version) + " on " + DescribeDevice(device_);
  }

  Work AllReduce(const Tensor& x, ReduceOp op) override {
    orbit::Check(x.defined(), "all-reduce of an undefined tensor");
    if (op == ReduceOp::kSum && x.dtype() == DType::kBF16) return AllReduceBF16(x);
    const std::string suffix = op == ReduceOp::kSum ? "" : std::string(" (") + NameOf(op) + ")";
    return Start("all-reduce", SizeText(x) + suffix, {x}, 2 * x.bytes(), [&] {
      Ask([&] {
        return api_.AllReduce(x.raw(), x.raw(), Count(x), DataTypeOf(x.dtype()), RedOpOf(op), comm_, queue_->handle());
      });
    });
  }

  Work Broadcast(const Tensor& x, int root) override {
    CheckBroadcast(*this, x, root);
    return Start("broadcast", SizeText(x) + " from rank " + std::to_string(root), {x}, x.bytes(), [&] {
      Ask([&] {
        return api_.Broadcast(x.raw(), x.raw(), Count(x), DataTypeOf(x.dtype()), root, comm_, queue_->handle());
      });
    });
  }

  Work AllGather(const Tensor& out, const Tensor& in) override {
    CheckAllGather(*this, out, in);
    return Start("all-gather", SizeText(in), {in, out}, out.bytes(), [&] { Gather(out, in); });
  }

  Work ReduceScatter(const Tensor& out, const Tensor& in) override {
    CheckReduceScatter(*this, out, in);
    if (in.dtype() == DType::kBF16) {
      const Tensor received = Tensor::EmptyLike(in);
      return Start("reduce-scatter", SizeText(in), {in, out, received}, in.bytes(),
                   [&] { ReduceScatterBF16(out, in, received); });
    }
    // NCCL's in-place operation is free to overwrite the other parts of the input.
    const Tensor part = out.SharesStorageWith(in) ? Tensor::EmptyLike(out) : out;
    return Start(
        "reduce-scatter", SizeText(in), {in, part}, in.bytes(),
        [&] {
          Ask([&] {
            return api_.ReduceScatter(in.raw(), part.raw(), Count(part), DataTypeOf(part.dtype()), nccl::kSum, comm_,
                                      queue_->handle());
          });
        },
        [out, part] { Copy(out, part); });
  }

  void Barrier() override {
    const auto operation = StartOperation("barrier", "", {barrier_}, barrier_.bytes(), [&] {
      Ask([&] {
        return api_.AllReduce(barrier_.raw(), barrier_.raw(), 1, nccl::kInt32, nccl::kMax, comm_, queue_->handle());
      });
    });
    const ProfileRange range("wait for communication");
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return operation->done || aborted_; });
    lock.unlock();
    Check();
  }

  void SetContext(const std::string& context) override { session_->SetContext(context); }
  void Abort(const std::string& message) override { session_->Abort(message); }
  void Check() override { session_->Check(); }
  CommunicationStatistics statistics() const override {
    std::lock_guard lock(mutex_);
    return statistics_;
  }

 private:
  class Operation : public Work::State {
   public:
    Operation(NcclCommunicator& communicator, std::vector<Tensor> tensors, std::function<void()> finish)
        : communicator_(communicator), tensors_(std::move(tensors)), finish_(std::move(finish)) {}
    ~Operation() override {
      if (mark && !held_ && !done) mark->HoldKernels();  // before the memory goes to others
    }

    void Wait() override {
      if (held_) return communicator_.Check();
      const auto start = Clock::now();
      if (mark) mark->HoldKernels();
      held_ = true;
      communicator_.AddWaiting(SecondsSince(start));
      communicator_.Check();
      if (finish_) finish_();
    }

    std::unique_ptr<Mark> mark;  // null where there is nothing to do
    bool done = false;           // guarded by the communicator's mutex

   private:
    NcclCommunicator& communicator_;
    const std::vector<Tensor> tensors_;  // whose memory is in use
    const std::function<void()> finish_;
    bool held_ = false;
  };
  using OperationPtr = std::shared_ptr<Operation>;

  static std::string SizeText(const Tensor& x) { return std::to_string(x.size()) + " " + NameOf(x.dtype()); }
  static size_t Count(const Tensor& x) { return static_cast<size_t>(x.size()); }

  // Has `to` hold what `from` does, which may be the same memory.
  static void Copy(const Tensor& to, const Tensor& from) {
    if (to.size() > 0 && to.raw() != from.raw()) to.CopyFrom(from);
  }

  // NCCL would add bf16 in bf16. So each rank adds the ranks' copies of a part itself, and has the others gather it.
  Work AllReduceBF16(const Tensor& x) {
    constexpr int64_t kAligned = 8;  // parts of whole vectors of 16 bytes
    const int64_t part = (x.size() + kAligned * world() - 1) / (kAligned * world()) * kAligned, size = part * world();
    const Tensor flat = x.Reshape({x.size()});
    const Tensor whole = size == x.size() ? flat : Tensor::Zeros({size}, DType::kBF16, x.device());
    Copy(whole.Rows(0, x.size()), flat);
    const Tensor received = Tensor::EmptyLike(whole), own = whole.Rows(part * rank(), part * (rank() + 1));
    return Start(
        "all-reduce", SizeText(x), {whole, received}, 2 * whole.bytes(),
        [&] {
          ReduceScatterBF16(own, whole, received);
          Gather(whole, own);
        },
        [flat, whole] { Copy(flat, whole.Rows(0, flat.size())); });
  }

  // Sends each rank its part of `in`, and writes the sum of what all ranks sent to `out`, in the order of the ranks.
  // `received` has the size of `in`.
  void ReduceScatterBF16(const Tensor& out, const Tensor& in, const Tensor& received) {
    const auto* parts = in.data<const BFloat16>();
    auto* arrivals = received.data<BFloat16>();
    Ask([&] {
      nccl::Result result = api_.GroupStart();
      const auto give = [&](auto function, auto* data, int peer) {
        if (result == nccl::kSuccess || result == nccl::kInProgress)
          result = function(data + peer * out.size(), Count(out), nccl::kBfloat16, peer, comm_, queue_->handle());
      };
      for (int peer = 0; peer < world(); ++peer) {
        give(api_.Send, parts, peer);
        give(api_.Recv, arrivals, peer);
      }
      const nccl::Result ended = api_.GroupEnd();  // after an error, too
      return result == nccl::kSuccess || result == nccl::kInProgress ? ended : result;
    });
    queue_->AddParts(arrivals, world(), out.size(), out.data<BFloat16>());
  }

  void Gather(const Tensor& out, const Tensor& in) {
    Ask([&] {
      return api_.AllGather(in.raw(), out.raw(), Count(in), DataTypeOf(in.dtype()), comm_, queue_->handle());
    });
  }

  std::string Text(nccl::Result result) {
    std::lock_guard lock(nccl_mutex_);
    const char* details = comm_ ? api_.GetLastError(comm_) : nullptr;
    return std::string("NCCL: ") + api_.GetErrorString(result) +
           (details && *details ? std::string(", ") + details : "");
  }

  void SetUp() {
    session_->SetContext("the set-up of NCCL");
    nccl::UniqueId id = {};
    constexpr char kKey[] = "NCCL's id";
    if (rank() == 0) {
      Require(api_.GetUniqueId(&id));
      session_->Set(kKey, std::string(id.internal, sizeof id.internal));
    } else {
      const std::string text = session_->Get(kKey);
      std::memcpy(id.internal, text.data(), std::min(text.size(), sizeof id.internal));
    }
    nccl::Config config;
    config.blocking = 0;
    Require(api_.CommInitRankConfig(&comm_, world(), id, rank(), &config));
    session_->SetContext("");
  }

  // Waits, on the host, until NCCL has accepted what it was asked for, within the time of an operation. Ends the job if
  // it does not.
  void Require(nccl::Result result) {
    const auto start = Clock::now();
    while (result == nccl::kInProgress && !session_->failed()) {
      if (SecondsSince(start) > session_->patience().operation) {
        session_->ReportOverdue("NCCL does not answer");
        break;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      std::lock_guard lock(nccl_mutex_);
      if (!comm_) break;  // aborted
      if (const nccl::Result asked = api_.CommGetAsyncError(comm_, &result); asked != nccl::kSuccess) result = asked;
    }
    if (result != nccl::kSuccess && result != nccl::kInProgress) session_->ReportBroken(Text(result));
    if (!session_->failed()) return;
    AbortNccl();
    Fail(session_->failure());
  }

  // Calls NCCL, and waits until it has given the queue what it was asked for: only then may more follow there.
  void Ask(const std::function<nccl::Result()>& call) {
    nccl::Result result = nccl::kInternalError;
    {
      std::lock_guard lock(nccl_mutex_);
      if (comm_) result = call();
    }
    Require(result);
  }

  Work Start(const char* kind, const std::string& arguments, std::vector<Tensor> tensors, int64_t ring_bytes,
             const std::function<void()>& give, std::function<void()> finish = nullptr) {
    return Work(StartOperation(kind, arguments, std::move(tensors), ring_bytes, give, std::move(finish)));
  }

  // `give` gives the queue its work, and `finish` is done after it, in the order of the device's kernels. A rank sends
  // (world - 1) / world of `ring_bytes`.
  OperationPtr StartOperation(const char* kind, const std::string& arguments, std::vector<Tensor> tensors,
                              int64_t ring_bytes, const std::function<void()>& give,
                              std::function<void()> finish = nullptr) {
    const ProfileRange range("communication");
    session_->Check();
    for (const Tensor& tensor : tensors)
      orbit::Check(tensor.device() == device_, kind, " among GPUs takes tensors on ", NameOf(device_), ", not ",
                   tensor.Describe());
    CheckNotCapturing(device_, kind);
    session_->Submit(kind, arguments);
    const bool empty = tensors[0].size() == 0;
    auto operation = std::make_shared<Operation>(*this, std::move(tensors), std::move(finish));
    if (!empty) {
      queue_->AfterKernels();
      give();
      operation->mark = queue_->Record();
    }
    std::lock_guard lock(mutex_);
    ++statistics_.operations;
    statistics_.bytes_sent += ring_bytes * (world() - 1) / world();
    operation->done = empty;
    if (!empty) in_flight_.push_back(operation);
    changed_.notify_all();
    return operation;
  }

  void AddWaiting(double seconds) {
    std::lock_guard lock(mutex_);
    statistics_.seconds_waiting += seconds;
  }

  // The thread that sees operations through: notes when they are complete, and aborts NCCL when they will not be.
  void Watch() {
    std::unique_lock lock(mutex_);
    for (auto since = Clock::now(); !stop_;) {
      if (in_flight_.empty()) {
        changed_.wait(lock, [&] { return stop_ || !in_flight_.empty(); });
        since = Clock::now();
        continue;
      }
      OperationPtr first = in_flight_.front();
      lock.unlock();
      const std::string problem = ProblemOf(*first, SecondsSince(since));
      const bool reached = problem.empty() && first->mark->Reached();
      if (!problem.empty()) AbortNccl();
      if (!reached && problem.empty()) std::this_thread::sleep_for(std::chrono::microseconds(200));
      lock.lock();
      if (!problem.empty()) {
        aborted_ = true;
        in_flight_.clear();
        changed_.notify_all();
        return;
      }
      if (!reached) continue;
      first->done = true;
      in_flight_.pop_front();
      statistics_.seconds_busy += SecondsSince(since);
      since = Clock::now();
      changed_.notify_all();
      lock.unlock();
      first.reset();  // its memory is freed without the lock
      lock.lock();
    }
  }

  // Why the operation, and with it the job, has failed; empty if it has not.
  std::string ProblemOf(Operation& operation, double seconds) {
    try {
      nccl::Result result = nccl::kSuccess;
      {
        std::lock_guard lock(nccl_mutex_);
        if (comm_) api_.CommGetAsyncError(comm_, &result);
      }
      if (result != nccl::kSuccess && result != nccl::kInProgress)
        session_->ReportBroken(Text(result));
      else if (seconds > session_->patience().operation && !operation.mark->Reached())
        session_->ReportOverdue("NCCL has not completed it");
    } catch (const std::exception& error) {  // of the device
      session_->ReportBroken(error.what());
    }
    return session_->failure();
  }

  void AbortNccl() {
    std::lock_guard lock(nccl_mutex_);
    if (comm_) api_.CommAbort(comm_);
    comm_ = nullptr;
  }

  // Where all went well, NCCL gets to end in an orderly way, in the time of an operation.
  void TearDown() {
    if (session_->failed()) return AbortNccl();
    session_->Leave();
    try {
      Require(api_.CommFinalize(comm_));
      api_.CommDestroy(comm_);
    } catch (const std::exception&) {
      AbortNccl();
    }
  }

  const std::unique_ptr<Session> session_;
  const Device device_;
  const nccl::Api& api_;
  const std::unique_ptr<SideQueue> queue_;
  const Tensor barrier_;  // an element that a barrier reduces

  std::mutex nccl_mutex_;      // one call of NCCL at a time
  nccl::Comm comm_ = nullptr;  // null after an abort

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<OperationPtr> in_flight_;
  CommunicationStatistics statistics_;
  bool stop_ = false, aborted_ = false;
  std::thread watch_;
};

}  // namespace

std::shared_ptr<Communicator> MakeNcclCommunicator(std::unique_ptr<Session> session, Device device,
                                                   const std::string& interface) {
  return std::make_shared<NcclCommunicator>(std::move(session), device, interface);
}

}  // namespace orbit
