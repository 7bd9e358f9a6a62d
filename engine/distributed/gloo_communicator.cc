#include "engine/distributed/gloo_communicator.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "engine/backend.h"
#include "engine/distributed/gloo_mesh.h"
#include "engine/distributed/reduce_parts.h"
#include "engine/profiling.h"
#include "kernels/error.h"

namespace orbit {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The bytes of a tensor on the host: its own ones, or a copy.
class HostBytes {
 public:
  // Begins the copy, behind the work that the device has so far, if the contents are needed.
  HostBytes(const Tensor& tensor, bool read) : tensor_(tensor) {
    if (on_host() || tensor.size() == 0) return;
    if (read)
      copy_ = BackendOf(tensor.device().type)
                  .StartCopyToHost(tensor.device().index, {{tensor.raw(), static_cast<size_t>(tensor.bytes())}});
    else
      bytes_.resize(static_cast<size_t>(tensor.bytes()));
  }
  char* data() {
    if (on_host()) return static_cast<char*>(tensor_.raw());
    if (copy_) {
      const char* from = static_cast<const char*>(copy_->Wait());
      bytes_.assign(from, from + tensor_.bytes());
      copy_.reset();
    }
    return bytes_.data();
  }
  // Has the tensor hold the bytes, in the order of the device's work.
  void CopyBack() {
    if (!on_host()) CopyBytes(tensor_.device(), tensor_.raw(), {}, bytes_.data(), bytes_.size());
  }

 private:
  bool on_host() const { return tensor_.device().type == DeviceType::kCpu; }

  const Tensor tensor_;
  std::unique_ptr<PendingCopy> copy_;
  std::vector<char> bytes_;
};

class GlooCommunicator : public Communicator {
 public:
  explicit GlooCommunicator(std::unique_ptr<Session> session)
      : session_(std::move(session)), mesh_(*session_), worker_([this] { Run(); }) {}

  ~GlooCommunicator() override {
    session_->AbortIfUnwinding();
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    worker_.join();
    // Connections stay open until nobody needs them.
    session_->Leave();
    session_->AwaitFarewell();
  }

  int rank() const override { return session_->ranks().rank; }
  int world() const override { return session_->ranks().world; }
  int local_rank() const override { return session_->ranks().local_rank; }
  std::string Describe() const override {
    return "rank " + std::to_string(rank()) + " of " + std::to_string(world()) + " on " + HostName() +
           ", Gloo over TCP at " + mesh_.interface();
  }

  Work AllReduce(const Tensor& x, ReduceOp op) override {
    orbit::Check(x.defined(), "all-reduce of an undefined tensor");
    auto bytes = std::make_shared<HostBytes>(x, true);
    const std::string suffix = op == ReduceOp::kSum ? "" : std::string(" (") + NameOf(op) + ")";
    return Submit(
        "all-reduce", SizeText(x) + suffix,
        [=, this](const std::string& name) {
          const Parts parts(x, world());
          ReduceOwnPart(name, parts, op, bytes->data(), bytes->data() + parts.begin(rank()));
          GatherParts(name, parts, bytes->data());
        },
        [bytes] { bytes->CopyBack(); });
  }

  Work Broadcast(const Tensor& x, int root) override {
    CheckBroadcast(*this, x, root);
    auto bytes = std::make_shared<HostBytes>(x, rank() == root);
    return Submit(
        "broadcast", SizeText(x) + " from rank " + std::to_string(root),
        [=, this](const std::string& name) {
          const Parts parts(x, world());
          std::vector<GlooMesh::Piece> sends, receives;
          if (rank() == root)
            for (int other = 0; other < world(); ++other) sends.push_back(parts.Of(other, other));
          else
            receives.push_back(parts.Of(rank(), root));
          Exchange(name + ", its parts", bytes->data(), sends, bytes->data(), receives);
          GatherParts(name, parts, bytes->data());
        },
        [bytes] { bytes->CopyBack(); });
  }

  Work AllGather(const Tensor& out, const Tensor& in) override {
    CheckAllGather(*this, out, in);
    auto to = std::make_shared<HostBytes>(out, false);
    auto from = std::make_shared<HostBytes>(in, true);
    return Submit(
        "all-gather", SizeText(in),
        [=, this](const std::string& name) {
          const Parts parts(out, world());
          char* own = to->data() + parts.begin(rank());
          if (const char* bytes = from->data(); in.size() > 0 && bytes != own)
            std::memmove(own, bytes, static_cast<size_t>(in.bytes()));
          GatherParts(name, parts, to->data());
        },
        [to] { to->CopyBack(); });
  }

  Work ReduceScatter(const Tensor& out, const Tensor& in) override {
    CheckReduceScatter(*this, out, in);
    auto to = std::make_shared<HostBytes>(out, false);
    auto from = std::make_shared<HostBytes>(in, true);
    return Submit(
        "reduce-scatter", SizeText(in),
        [=, this](const std::string& name) {
          ReduceOwnPart(name, Parts(in, world()), ReduceOp::kSum, from->data(), to->data());
        },
        [to] { to->CopyBack(); });
  }

  void Barrier() override {
    Submit(
        "barrier", "",
        [this](const std::string& name) {
          std::vector<char> from(1), to(static_cast<size_t>(world()));
          std::vector<GlooMesh::Piece> sends, receives;
          for (int other = 0; other < world(); ++other) {
            sends.push_back({other, 0, 1});
            receives.push_back({other, static_cast<size_t>(other), 1});
          }
          Exchange(name, from.data(), sends, to.data(), receives);
        },
        [] {})
        .Wait();
  }

  void SetContext(const std::string& context) override { session_->SetContext(context); }
  void Abort(const std::string& message) override { session_->Abort(message); }
  void Check() override { session_->Check(); }
  CommunicationStatistics statistics() const override {
    std::lock_guard lock(mutex_);
    return statistics_;
  }

 private:
  // The nearly equal parts of a tensor's bytes, one for every rank.
  class Parts {
   public:
    Parts(const Tensor& tensor, int world)
        : size_(tensor.size()),
          element_(static_cast<int64_t>(SizeOf(tensor.dtype()))),
          dtype_(tensor.dtype()),
          world_(world) {}
    size_t begin(int part) const { return static_cast<size_t>(size_ * part / world_ * element_); }
    size_t bytes(int part) const { return begin(part + 1) - begin(part); }
    int64_t count(int part) const { return static_cast<int64_t>(bytes(part)) / element_; }
    DType dtype() const { return dtype_; }
    GlooMesh::Piece Of(int part, int rank) const { return {rank, begin(part), bytes(part)}; }

   private:
    int64_t size_, element_;
    DType dtype_;
    int world_;
  };

  class Operation : public Work::State {
   public:
    Operation(GlooCommunicator& communicator, std::string name, std::function<void(const std::string&)> run,
              std::function<void()> finish)
        : communicator_(communicator), name_(std::move(name)), run_(std::move(run)), finish_(std::move(finish)) {}

    // Called by the worker.
    void Run() {
      const ProfileRange range("communication");
      try {
        communicator_.session_->Check();
        run_(name_);
      } catch (const std::exception& error) {
        error_ = error.what();
      }
    }

    void Wait() override {
      std::unique_lock lock(communicator_.mutex_);
      if (!done) {
        const ProfileRange range("wait for communication");
        const auto start = Clock::now();
        communicator_.changed_.wait(lock, [&] { return done; });
        communicator_.statistics_.seconds_waiting += SecondsSince(start);
      }
      orbit::Check(error_.empty(), error_);
      if (std::exchange(finished_, true)) return;
      lock.unlock();
      finish_();
    }

    bool done = false;  // guarded by the communicator's mutex

   private:
    GlooCommunicator& communicator_;
    const std::string name_;
    const std::function<void(const std::string&)> run_;
    const std::function<void()> finish_;
    std::string error_;
    bool finished_ = false;
  };

  static std::string SizeText(const Tensor& x) { return std::to_string(x.size()) + " " + NameOf(x.dtype()); }

  Work Submit(const char* kind, const std::string& arguments, std::function<void(const std::string&)> run,
              std::function<void()> finish) {
    session_->Check();
    auto operation =
        std::make_shared<Operation>(*this, session_->Submit(kind, arguments), std::move(run), std::move(finish));
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(operation);
    }
    changed_.notify_all();
    return Work(operation);
  }

  // The worker: does the operations in the order in which they were submitted.
  void Run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const std::shared_ptr<Operation> operation = queue_.front();
      queue_.pop_front();
      lock.unlock();
      const auto start = Clock::now();
      operation->Run();
      lock.lock();
      statistics_.seconds_busy += SecondsSince(start);
      ++statistics_.operations;
      operation->done = true;
      lock.unlock();
      changed_.notify_all();
    }
  }

  void Exchange(const std::string& name, const void* from, std::vector<GlooMesh::Piece> sends, void* to,
                std::vector<GlooMesh::Piece> receives) {
    const auto to_itself = [&](const GlooMesh::Piece& piece) { return piece.rank == rank(); };
    std::erase_if(sends, to_itself);
    std::erase_if(receives, to_itself);
    mesh_.Exchange(name, from, sends, to, receives);
    std::lock_guard lock(mutex_);
    for (const GlooMesh::Piece& piece : sends) statistics_.bytes_sent += static_cast<int64_t>(piece.bytes);
  }

  // Writes this rank's part of the reduction of all ranks' `whole` to `out`.
  void ReduceOwnPart(const std::string& name, const Parts& parts, ReduceOp op, const char* whole, char* out) {
    const size_t bytes = parts.bytes(rank());
    received_.resize(std::max(received_.size(), bytes * static_cast<size_t>(world())));
    std::vector<GlooMesh::Piece> sends, receives;
    std::vector<const void*> own;
    for (int other = 0; other < world(); ++other) {
      sends.push_back(parts.Of(other, other));
      receives.push_back({other, bytes * static_cast<size_t>(other), bytes});
      own.push_back(other == rank() ? whole + parts.begin(rank()) : received_.data() + receives.back().offset);
    }
    Exchange(name, whole, sends, received_.data(), receives);
    ReduceParts(op, parts.dtype(), own, parts.count(rank()), out);
  }

  // Completes `whole`, of which this rank has its own part.
  void GatherParts(const std::string& name, const Parts& parts, char* whole) {
    std::vector<GlooMesh::Piece> sends, receives;
    for (int other = 0; other < world(); ++other) {
      sends.push_back(parts.Of(rank(), other));
      receives.push_back(parts.Of(other, other));
    }
    Exchange(name + ", its gathering", whole, sends, whole, receives);
  }

  const std::unique_ptr<Session> session_;
  GlooMesh mesh_;
  std::vector<char> received_;  // the worker's: parts of the other ranks
  mutable std::mutex mutex_;    // guards what follows
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Operation>> queue_;
  CommunicationStatistics statistics_;
  bool stop_ = false;
  std::thread worker_;  // the last member: it uses the others
};

}  // namespace

std::shared_ptr<Communicator> MakeGlooCommunicator(std::unique_ptr<Session> session) {
  return std::make_shared<GlooCommunicator>(std::move(session));
}

}  // namespace orbit
