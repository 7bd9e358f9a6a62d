#include "kernels/simt/launch.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernels/simt/fiber.h"
#include "kernels/simt/sanitizer.h"
#include "kernels/simt/schedule.h"
#include "kernels/simt/shared_memory.h"

namespace orbit::kernels::simt {

constinit thread_local const Place* place = nullptr;

namespace {

constexpr size_t kStackSize = kAddressSanitizer ? 128 << 10 : 64 << 10;

constexpr int kUnordered = 2;  // consecutive blocks that ThreadSanitizer sees as unordered
constexpr int kMasks = 48;     // masks per warp and block

struct Cancelled {};  // thrown in waiting threads when another thread has failed

struct Copy {
  void* to;
  const void* from;
  size_t size;
};

class Block;

struct Thread : Place {
  Block* owner = nullptr;
  std::optional<Fiber> fiber;
  int number = 0;
  const Rendezvous* waits_for = nullptr;  // on the stack of the thread
  std::exception_ptr error;
  std::vector<std::vector<Copy>> copies;  // in flight: committed groups, then the open one

  int warp() const { return number / 32; }
};

// A set of threads, of a warp or the block, that synchronise repeatedly. Memory is ordered through an address, a new
// one each time: with a single address, what follows one barrier would be ordered before what others do ahead of the
// next.
struct Synchronization {
  uint32_t lanes = 0;
  uint64_t generation = 0;
  char address[2] = {};
};

// The threads that wait for the same rendezvous.
struct Meeting {
  const Rendezvous* rendezvous;  // of one of them
  int arrived = 0;
  uint32_t lanes[32] = {};  // by warp: the lanes that have arrived
};

bool Same(const Rendezvous& a, const Rendezvous& b) {
  return a.lanes == b.lanes && a.exchange == b.exchange && a.where.line() == b.where.line() &&
         a.where.column() == b.where.column() &&
         (a.where.file_name() == b.where.file_name() || std::strcmp(a.where.file_name(), b.where.file_name()) == 0);
}

// ORBIT_SIMT_SKIP=FILE:LINE leaves out the barrier or wait there, to see whether a test notices.
bool Skipped(const std::source_location& where) {
  static const char* const skip = std::getenv("ORBIT_SIMT_SKIP");
  if (!skip) return false;
  const std::string place = std::string(where.file_name()) + ":" + std::to_string(where.line()), wanted = skip;
  return place.size() >= wanted.size() && place.compare(place.size() - wanted.size(), wanted.size(), wanted) == 0;
}

std::string At(const std::source_location& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

// Shared by the blocks of a launch, which run one after another.
struct Grid {
  const Configuration& configuration;
  void (*body)(const void*);
  const void* arguments;
  Schedule schedule;
  std::vector<Thread> threads;
  std::unique_ptr<Pages> stacks;
  std::unique_ptr<SharedMemory> shared;
  char begin = 0, end = 0;  // begin orders the caller before all blocks, end all blocks before the caller
};

class Block {
 public:
  Block(Grid& grid, int64_t ordinal, Index index);  // `ordinal` counts the blocks in the order they run
  void Run();

  Grid& grid() { return grid_; }
  Synchronization& Synchronize(const Thread& thread, uint32_t lanes);

 private:
  static void Body(void* thread);
  void MakeReady(Thread* thread);
  void Step(Thread* thread);
  void Join(Thread* thread);
  void Leave(Thread* thread);
  bool CompleteIfAllCame(std::vector<Meeting>& meetings, size_t i, int warp);
  void Complete(const Meeting& meeting);
  int Expected(const Meeting& meeting, int warp) const;
  [[noreturn]] void Fail(std::exception_ptr error);
  std::string DescribeWaiting() const;

  Grid& grid_;
  Index index_;
  std::vector<Thread>& threads_;
  using Ready = std::pair<uint64_t, int>;
  std::priority_queue<Ready, std::vector<Ready>, std::greater<Ready>> ready_;
  std::vector<std::vector<Meeting>> meetings_;  // per warp, then of the block
  std::vector<uint32_t> running_;               // by warp: the lanes that have not finished
  int num_running_;
  std::vector<void*> operands_;
  // kMasks per warp; allocated by the block, so that no memory passes between threads
  std::vector<Synchronization> warps_;
  Synchronization all_;
  bool cancelled_ = false;

  friend Thread* Running();
  friend void Wait(Thread*, const Rendezvous*);
};

Thread* Running() {
  if (!place) throw std::logic_error("simt: called outside of a kernel");
  return const_cast<Thread*>(static_cast<const Thread*>(place));
}

// Leaves the thread until what it waits for has happened.
void Wait(Thread* thread, const Rendezvous* rendezvous) {
  thread->waits_for = rendezvous;
  thread->fiber->Suspend();
  if (thread->owner->cancelled_) throw Cancelled();
}

Block::Block(Grid& grid, int64_t ordinal, Index index) : grid_(grid), index_(index), threads_(grid.threads) {
  const Extent extent = grid.configuration.threads;
  const int count = static_cast<int>(threads_.size());
  if (kThreadSanitizer || !grid.stacks) {
    grid.stacks = std::make_unique<Pages>(count * kStackSize);
    grid.shared = std::make_unique<SharedMemory>(grid.configuration.shared_bytes, grid.configuration.permitted);
  } else {
    grid.shared->Renew();
  }
  const int warps = (count + 31) / 32;
  num_running_ = count;
  running_.assign(warps, ~uint32_t{0});
  if (count % 32) running_.back() = (uint32_t{1} << count % 32) - 1;
  meetings_.resize(warps + 1);
  operands_.resize(std::max(count, 32));
  warps_.resize(warps * kMasks);
  grid.schedule.BeginBlock(count);
  for (int i = 0; i < count; ++i) {
    Thread& thread = threads_[i];
    const unsigned number = i;
    thread.thread = {number % extent.x, number / extent.x % extent.y, number / extent.x / extent.y};
    thread.block = index;
    thread.threads = extent;
    thread.blocks = grid.configuration.blocks;
    thread.owner = this;
    thread.number = i;
    thread.waits_for = nullptr;
    thread.error = nullptr;
    thread.fiber.emplace(ThreadIdentity(ordinal % kUnordered, i), grid.stacks->data() + i * kStackSize, kStackSize,
                         Body, &thread);
    MakeReady(&thread);
  }
  Release(&grid.begin);
}

void Block::Body(void* argument) {
  Thread* thread = static_cast<Thread*>(argument);
  Grid& grid = thread->owner->grid_;
  Acquire(&grid.begin);
  if (!thread->owner->cancelled_) {
    try {
      grid.body(grid.arguments);
    } catch (const Cancelled&) {
    } catch (...) {
      thread->error = std::current_exception();
    }
  }
  thread->copies = {};
  Release(&grid.end);
}

void Block::MakeReady(Thread* thread) { ready_.emplace(grid_.schedule.Key(thread->number), thread->number); }

void Block::Run() {
  while (!ready_.empty()) {
    Thread* thread = &threads_[ready_.top().second];
    ready_.pop();
    Step(thread);
    if (thread->error) Fail(thread->error);
    try {
      if (thread->fiber->finished()) {
        Leave(thread);
      } else if (thread->waits_for) {
        Join(thread);
      } else {
        MakeReady(thread);  // the thread yielded
      }
    } catch (...) {  // of an exchange
      Fail(std::current_exception());
    }
  }
  if (num_running_ > 0) Fail(std::make_exception_ptr(std::runtime_error(DescribeWaiting())));
  for (Thread& thread : threads_) thread.fiber.reset();
}

void Block::Step(Thread* thread) {
  place = thread;
  thread->fiber->Resume();
  place = nullptr;
}

void Block::Join(Thread* thread) {
  const Rendezvous& wanted = *thread->waits_for;
  const int warp = wanted.lanes ? thread->warp() : static_cast<int>(running_.size());
  std::vector<Meeting>& meetings = meetings_[warp];
  size_t i = 0;
  while (i < meetings.size() && !Same(*meetings[i].rendezvous, wanted)) ++i;
  if (i == meetings.size()) meetings.push_back({&wanted});
  ++meetings[i].arrived;
  meetings[i].lanes[thread->warp()] |= uint32_t{1} << thread->number % 32;
  CompleteIfAllCame(meetings, i, warp);
}

// Threads that have finished are not waited for.
void Block::Leave(Thread* thread) {
  --num_running_;
  running_[thread->warp()] &= ~(uint32_t{1} << thread->number % 32);
  for (const int warp : {thread->warp(), static_cast<int>(running_.size())})
    for (size_t i = 0; i < meetings_[warp].size();)
      if (!CompleteIfAllCame(meetings_[warp], i, warp)) ++i;
}

bool Block::CompleteIfAllCame(std::vector<Meeting>& meetings, size_t i, int warp) {
  if (meetings[i].arrived < Expected(meetings[i], warp)) return false;
  const Meeting meeting = meetings[i];
  meetings.erase(meetings.begin() + i);
  Complete(meeting);
  return true;
}

int Block::Expected(const Meeting& meeting, int warp) const {
  const uint32_t lanes = meeting.rendezvous->lanes;
  return lanes ? std::popcount(lanes & running_[warp]) : num_running_;
}

void Block::Complete(const Meeting& meeting) {
  const Rendezvous rendezvous = *meeting.rendezvous;
  Thread* first = nullptr;
  const auto for_each = [&](auto f) {
    for (int warp = 0; warp < static_cast<int>(running_.size()); ++warp)
      for (uint32_t lanes = meeting.lanes[warp]; lanes; lanes &= lanes - 1)
        f(&threads_[warp * 32 + std::countr_zero(lanes)]);
  };
  if (rendezvous.exchange) {
    const int count = rendezvous.lanes ? 32 : static_cast<int>(threads_.size());
    std::fill_n(operands_.begin(), count, nullptr);
    for_each([&](Thread* thread) { operands_[thread->number % count] = thread->waits_for->operand; });
    rendezvous.exchange(operands_.data(), count);
  }
  for_each([&](Thread* thread) {
    first = thread;
    thread->waits_for = nullptr;
    MakeReady(thread);
  });
  if (rendezvous.orders_memory) ++Synchronize(*first, rendezvous.lanes).generation;
}

Synchronization& Block::Synchronize(const Thread& thread, uint32_t lanes) {
  if (lanes == 0) return all_;
  Synchronization* const begin = &warps_[thread.warp() * kMasks];
  for (Synchronization* s = begin; s < begin + kMasks; ++s) {
    if (s->lanes == 0) s->lanes = lanes;
    if (s->lanes == lanes) return *s;
  }
  throw std::runtime_error("a warp that synchronises in more than " + std::to_string(kMasks) + " different ways");
}

// Unwinds the stacks of all threads, then rethrows the error.
void Block::Fail(std::exception_ptr error) {
  cancelled_ = true;
  for (Thread& thread : threads_) {
    while (!thread.fiber->finished()) Step(&thread);
    thread.fiber.reset();
  }
  std::ostringstream message;
  message << grid_.configuration.operation << " on simt, block (" << index_.x << ", " << index_.y << ", " << index_.z
          << "): ";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    message << e.what();
  }
  throw std::runtime_error(message.str());
}

std::string Block::DescribeWaiting() const {
  std::ostringstream message;
  message << "threads wait for others that never come";
  for (int warp = 0; warp < static_cast<int>(meetings_.size()); ++warp)
    for (const Meeting& meeting : meetings_[warp]) {
      message << "; " << meeting.rendezvous->what << " at " << At(meeting.rendezvous->where) << " has "
              << meeting.arrived << " of " << Expected(meeting, warp) << " threads";
      if (meeting.rendezvous->lanes) message << " of warp " << warp;
    }
  return message.str();
}

void CheckConfiguration(const Configuration& c) {
  const auto [x, y, z] = c.threads;
  const uint64_t threads = uint64_t{x} * y * z;
  const bool valid = threads >= 1 && threads <= 1024 && z <= 64 && c.blocks.x >= 1 && c.blocks.x <= 0x7fffffffu &&
                     c.blocks.y >= 1 && c.blocks.y <= 65535 && c.blocks.z >= 1 && c.blocks.z <= 65535 &&
                     c.shared_bytes <= kSharedLimit;
  if (valid) return;
  std::ostringstream message;
  message << c.operation << " on simt: no GPU takes a grid of " << c.blocks.x << " x " << c.blocks.y << " x "
          << c.blocks.z << " blocks of " << x << " x " << y << " x " << z << " threads with " << c.shared_bytes
          << " bytes of shared memory";
  throw std::runtime_error(message.str());
}

}  // namespace

void Run(const Configuration& configuration, void (*body)(const void*), const void* arguments) {
  CheckConfiguration(configuration);
  if (place) throw std::logic_error("simt: a kernel launches a kernel");
  const Extent extent = configuration.threads, blocks = configuration.blocks;
  Grid grid{configuration, body, arguments, Schedule::Next(), std::vector<Thread>(extent.x * extent.y * extent.z)};
  const std::vector<int64_t> order = grid.schedule.BlockOrder(int64_t{blocks.x} * blocks.y * blocks.z);
  std::exception_ptr error;
  for (size_t i = 0; i < order.size() && !error; ++i) {
    const uint64_t number = order[i], plane = uint64_t{blocks.x} * blocks.y;
    const Index index = {static_cast<unsigned>(number % blocks.x), static_cast<unsigned>(number % plane / blocks.x),
                         static_cast<unsigned>(number / plane)};
    const auto block = std::make_unique<Block>(grid, i, index);  // new addresses, because blocks are not ordered
    try {
      block->Run();
    } catch (...) {
      error = std::current_exception();
    }
  }
  Acquire(&grid.end);
  if (error) std::rethrow_exception(error);
}

void Meet(const Rendezvous& rendezvous) {
  Thread* thread = Running();
  if (rendezvous.orders_memory && !rendezvous.exchange && Skipped(rendezvous.where)) return;
  if (rendezvous.lanes && !(rendezvous.lanes >> thread->lane() & 1))
    throw std::runtime_error(std::string(rendezvous.what) + " at " + At(rendezvous.where) + ": lane " +
                             std::to_string(thread->lane()) + " is not in its own mask");
  if (!rendezvous.orders_memory) return Wait(thread, &rendezvous);
  Synchronization& synchronization = thread->owner->Synchronize(*thread, rendezvous.lanes);
  char* address = &synchronization.address[synchronization.generation % 2];
  Release(address);
  Wait(thread, &rendezvous);
  Acquire(address);
}

void Yield() {
  Thread* thread = Running();
  if (thread->owner->grid().schedule.YieldsAtAtomics()) Wait(thread, nullptr);
}

void* DynamicShared() { return Running()->owner->grid().shared->dynamic(); }

void* StaticShared(const void* key, size_t size) { return Running()->owner->grid().shared->Static(key, size); }

void CopyAsync(void* to, const void* from, size_t size) {
  Thread* thread = Running();
  std::vector<unsigned char> poison(size);
  Poison(poison.data(), size);
  std::memcpy(to, poison.data(), size);  // from here on the sanitizers see a write
  if (thread->copies.empty()) thread->copies.emplace_back();
  thread->copies.back().push_back({to, from, size});
}

void CommitCopies() {
  Thread* thread = Running();
  if (thread->copies.empty()) thread->copies.emplace_back();
  thread->copies.emplace_back();
}

void WaitForCopies(int groups_in_flight, std::source_location where) {
  Thread* thread = Running();
  if (Skipped(where)) return;
  while (static_cast<int>(thread->copies.size()) > groups_in_flight + 1) {
    for (const Copy& copy : thread->copies.front()) std::memcpy(copy.to, copy.from, copy.size);
    thread->copies.erase(thread->copies.begin());
  }
}

}  // namespace orbit::kernels::simt
