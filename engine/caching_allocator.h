// CachingAllocator: one device's memory, in blocks that are kept for reuse when they are freed.
#ifndef ORBIT_ENGINE_CACHING_ALLOCATOR_H_
#define ORBIT_ENGINE_CACHING_ALLOCATOR_H_

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/backend.h"

namespace orbit {

// Blocks have one of eight sizes an octave. All of a device's kernels run in one order, so a block that is freed may be
// handed out again at once: its next user's kernels come after its last one's.
class CachingAllocator {
 public:
  explicit CachingAllocator(Device device) : device_(device) {}

  void* Allocate(size_t bytes);
  void Deallocate(void* data) noexcept;
  MemoryStatistics statistics();
  void ResetPeak();

 private:
  void ReleaseCache();
  [[noreturn]] void FailWithout(size_t bytes);

  const Device device_;
  std::mutex mutex_;
  std::map<size_t, std::vector<void*>> free_;  // by size
  std::unordered_map<void*, size_t> in_use_;   // sizes
  MemoryStatistics statistics_;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_CACHING_ALLOCATOR_H_
