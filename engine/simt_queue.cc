#include "engine/simt_queue.h"

#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "engine/simt_memory.h"
#include "kernels/add_parts.h"

namespace orbit {
namespace {

// Reached when the work before it is done.
struct Point {
  std::mutex mutex;
  std::condition_variable changed;
  bool reached = false;
};

class SimtMark : public Mark {
 public:
  explicit SimtMark(std::shared_ptr<Point> point) : point_(std::move(point)) {}
  bool Reached() override {
    std::lock_guard lock(point_->mutex);
    return point_->reached;
  }
  // The host runs the emulator's kernels itself, and so is what waits.
  void HoldKernels() override {
    std::unique_lock lock(point_->mutex);
    point_->changed.wait(lock, [&] { return point_->reached; });
  }

 private:
  const std::shared_ptr<Point> point_;
};

class SimtQueue : public SideQueue, public SimtStream {
 public:
  SimtQueue() : thread_([this] { Run(); }) {}
  ~SimtQueue() override {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  void* handle() override { return static_cast<SimtStream*>(this); }
  void AfterKernels() override {}  // they were done when they were launched
  void CopyFromHost(void* to, const void* from, size_t bytes) override {
    const auto* begin = static_cast<const char*>(from);
    Submit([to, staged = std::vector<char>(begin, begin + bytes)] { std::memcpy(to, staged.data(), staged.size()); });
  }
  void AddParts(const BFloat16* parts, int64_t count, int64_t size, BFloat16* sum) override {
    Submit([=] { kernels::AddParts(kernels::Cpu(), count, size, parts, sum); });
  }
  std::unique_ptr<Mark> Record() override {
    auto point = std::make_shared<Point>();
    Submit([point] {
      std::lock_guard lock(point->mutex);
      point->reached = true;
      point->changed.notify_all();
    });
    return std::make_unique<SimtMark>(point);
  }
  void Submit(std::function<void()> work) override {
    {
      std::lock_guard lock(mutex_);
      work_.push_back(std::move(work));
    }
    changed_.notify_one();
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stop_ || !work_.empty(); });
      if (work_.empty()) return;
      const std::function<void()> work = std::move(work_.front());
      work_.pop_front();
      lock.unlock();
      {
        const SimtMemoryAccess access;
        work();
      }
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> work_;
  bool stop_ = false;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace

std::unique_ptr<SideQueue> MakeSimtQueue() { return std::make_unique<SimtQueue>(); }

}  // namespace orbit
