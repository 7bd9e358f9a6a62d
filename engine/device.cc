#include "engine/device.h"

#include <sys/mman.h>

#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "engine/error.h"

namespace orbit {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{1} << 21;

// Rounds up to one of eight sizes an octave, so that a cached block fits requests of up to 12 % less.
size_t SizeClass(size_t bytes) {
  if (bytes <= 512) return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  const size_t step = std::bit_floor(bytes - 1) / 8;
  return (bytes + step - 1) / step * step;
}

// Host memory. The cache matters: the pages of a fresh block are zeroed by the system at first touch, which costs more
// than most kernels that fill them.
class HostAllocator {
 public:
  void* Allocate(size_t bytes) {
    const size_t size = SizeClass(std::max<size_t>(bytes, 1));
    std::lock_guard lock(mutex_);
    statistics_.bytes_in_use += size;
    statistics_.peak_bytes_in_use = std::max(statistics_.peak_bytes_in_use, statistics_.bytes_in_use);
    if (auto& blocks = free_[size]; !blocks.empty()) {
      void* block = blocks.back();
      blocks.pop_back();
      return block;
    }
    void* block = Obtain(size);
    if (!block) {
      ReleaseCache();
      block = Obtain(size);
    }
    if (!block) {
      statistics_.bytes_in_use -= size;
      Fail("out of host memory: asked for ", bytes, " bytes with ", statistics_.bytes_in_use, " bytes in use");
    }
    statistics_.bytes_reserved += size;
    return block;
  }

  void Deallocate(void* data, size_t bytes) {
    const size_t size = SizeClass(std::max<size_t>(bytes, 1));
    std::lock_guard lock(mutex_);
    statistics_.bytes_in_use -= size;
    free_[size].push_back(data);
  }

  MemoryStatistics statistics() {
    std::lock_guard lock(mutex_);
    return statistics_;
  }

  void ResetPeak() {
    std::lock_guard lock(mutex_);
    statistics_.peak_bytes_in_use = statistics_.bytes_in_use;
  }

 private:
  static void* Obtain(size_t size) {
    const size_t alignment = size >= kHugePage ? kHugePage : kAlignment;
    void* block = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (block && alignment == kHugePage) madvise(block, size, MADV_HUGEPAGE);
    return block;
  }

  void ReleaseCache() {
    for (auto& [size, blocks] : free_) {
      statistics_.bytes_reserved -= static_cast<int64_t>(size * blocks.size());
      for (void* block : blocks) std::free(block);
      blocks.clear();
    }
  }

  std::mutex mutex_;
  std::map<size_t, std::vector<void*>> free_;
  MemoryStatistics statistics_;
};

HostAllocator& Host() {
  static HostAllocator* allocator = new HostAllocator;  // outlives every tensor, static ones too
  return *allocator;
}

}  // namespace

std::string NameOf(Device) { return "cpu"; }

Device ParseDevice(const std::string& name) {
  if (name == "cpu") return {};
  Fail("unknown device '", name, "'; this build knows: cpu");
}

void* Allocate(Device, size_t bytes) { return Host().Allocate(bytes); }
void Deallocate(Device, void* data, size_t bytes) { Host().Deallocate(data, bytes); }
MemoryStatistics GetMemoryStatistics(Device) { return Host().statistics(); }
void ResetPeakMemory(Device) { Host().ResetPeak(); }

void CopyBytes(Device, void* to, Device, const void* from, size_t bytes) {
  if (bytes) std::memcpy(to, from, bytes);
}

void FillZero(Device, void* data, size_t bytes) {
  if (bytes) std::memset(data, 0, bytes);
}

}  // namespace orbit
