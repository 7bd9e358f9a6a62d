// CachingAllocator: one device's memory, in blocks that are kept for reuse after they are freed.
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

// There are eight block sizes per power of two. All kernels of a device run in one order, so a freed block can be
// handed out at once: the kernels of its next user run after those of the previous one.
//
// That is not true of work that is captured and launched again later; such work uses a pool. Between BeginPool and
// EndPool blocks come from the pool and return to it when they are freed. As long as the pool lives, its blocks, and
// all blocks that were in use before EndPool, are not handed out elsewhere. All of them count as in use.
class CachingAllocator {
 public:
  explicit CachingAllocator(Device device) : device_(device) {}

  void* Allocate(size_t bytes);
  void Deallocate(void* data) noexcept;
  MemoryStatistics statistics();
  void ResetPeak();

  // Only one pool can be filled at a time. The pool ends with the returned handle; then its blocks are free for others,
  // those still in use once they are freed.
  std::shared_ptr<void> BeginPool();
  void EndPool();

 private:
  struct Pool;
  struct Block {
    void* data;
    size_t size;
    int64_t number;        // counts the blocks handed out
    Pool* pool = nullptr;  // the pool that owns it
  };
  using Cache = std::map<size_t, std::vector<void*>>;  // free blocks by size
  struct Pool {
    Cache free;                                         // free blocks of the pool
    std::vector<Block> held;                            // other blocks that were freed while the pool lives
    int64_t end = std::numeric_limits<int64_t>::max();  // the pool holds on to blocks with smaller numbers
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

constexpr int kMostDevices = 64;  // per kind

CachingAllocator& AllocatorOf(Device device);

}  // namespace orbit

#endif  // ORBIT_ENGINE_CACHING_ALLOCATOR_H_
