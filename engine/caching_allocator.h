// CachingAllocator: one device's memory, in blocks that are kept for reuse when they are freed.
#ifndef ORBIT_ENGINE_CACHING_ALLOCATOR_H_
#define ORBIT_ENGINE_CACHING_ALLOCATOR_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/backend.h"

namespace orbit {

// Blocks have one of eight sizes an octave. All of a device's kernels run in one order, so a block that is freed may be
// handed out again at once: its next user's kernels come after its last one's.
//
// That does not hold for work that is captured and done again later: what it uses is in a pool. Between BeginPool and
// EndPool blocks come from the pool, and go back to it whenever they are freed; and while the pool lives, no block that
// was in use before EndPool is handed out elsewhere. All of it counts as in use.
class CachingAllocator {
 public:
  explicit CachingAllocator(Device device) : device_(device) {}

  void* Allocate(size_t bytes);
  void Deallocate(void* data) noexcept;
  MemoryStatistics statistics();
  void ResetPeak();

  // One at a time is filled. With the handle's end its blocks are others' again, those in use once they are freed.
  std::shared_ptr<void> BeginPool();
  void EndPool();

 private:
  struct Pool;
  struct Block {
    void* data;
    size_t size;
    int64_t number;        // counted through all that were handed out
    Pool* pool = nullptr;  // it belongs to
  };
  using Cache = std::map<size_t, std::vector<void*>>;  // by size
  struct Pool {
    Cache free;                                         // its own blocks
    std::vector<Block> held;                            // others, freed while it lives
    int64_t end = std::numeric_limits<int64_t>::max();  // it holds those with smaller numbers
  };

  static void* Take(Cache& cache, size_t size);
  void* FromSystem(size_t size);
  void Free(const Block& block);
  void ReleasePool(Pool* pool) noexcept;
  void ReleaseCache();
  [[noreturn]] void FailWithout(size_t bytes);

  const Device device_;
  std::mutex mutex_;
  Cache free_;
  std::unordered_map<void*, Block> in_use_;
  int64_t handed_out_ = 0;
  std::vector<std::unique_ptr<Pool>> pools_;
  Pool* filling_ = nullptr;
  MemoryStatistics statistics_;
};

constexpr int kMostDevices = 64;  // of a kind

CachingAllocator& AllocatorOf(Device device);

}  // namespace orbit

#endif  // ORBIT_ENGINE_CACHING_ALLOCATOR_H_
