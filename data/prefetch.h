// Prefetch: a sequence of items that a worker makes ahead of their use.
#ifndef ORBIT_DATA_PREFETCH_H_
#define ORBIT_DATA_PREFETCH_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace orbit {

template <class T>
class Prefetch {
 public:
  // make(i) is called for i = first, first + 1, ... end - 1, on a thread of its own, which is at most `ahead` items
  // ahead of Next(). With ahead = 0 there is no such thread: Next() makes the item.
  Prefetch(std::function<T(int64_t)> make, int64_t first, int64_t end, int64_t ahead)
      : make_(std::move(make)), next_(first), end_(end), ahead_(static_cast<size_t>(ahead)) {
    if (ahead > 0) worker_ = std::thread([this] { Work(); });
  }
  ~Prefetch() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    if (worker_.joinable()) worker_.join();
  }
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  // The next item, once it is there; throws what make() threw. Not to be called after the last item or a throw.
  T Next() {
    if (!worker_.joinable()) return make_(next_++);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !items_.empty() || error_; });
    if (items_.empty()) std::rethrow_exception(error_);
    T item = std::move(items_.front());
    items_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return item;
  }

 private:
  void Work() {
    for (; next_ < end_; ++next_) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return items_.size() < ahead_ || stopped_; });
        if (stopped_) return;
      }
      std::optional<T> item;
      std::exception_ptr error;
      try {
        item = make_(next_);
      } catch (...) {
        error = std::current_exception();
      }
      const std::lock_guard lock(mutex_);
      if (item) items_.push_back(std::move(*item));
      error_ = error;
      changed_.notify_all();
      if (error) return;
    }
  }

  const std::function<T(int64_t)> make_;
  int64_t next_;
  const int64_t end_;
  const size_t ahead_;
  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::deque<T> items_;
  std::exception_ptr error_;
  bool stopped_ = false;
  std::thread worker_;
};

}  // namespace orbit

#endif  // ORBIT_DATA_PREFETCH_H_
