#include "engine/simt_memory.h"

#include <sys/mman.h>

#include <mutex>

#include "kernels/error.h"

namespace orbit {
namespace {

constexpr size_t kRange = size_t{64} << 30;
constexpr size_t kPage = 4096;

struct Memory {
  std::mutex mutex;
  char* start = nullptr;
  size_t used = 0;
  int open = 0;

  void Protect(int protection) {
    if (used > 0) Check(mprotect(start, used, protection) == 0, "simt: its memory cannot be protected");
  }
};

Memory& TheMemory() {
  static Memory* memory = [] {
    auto* made = new Memory;
    void* start = mmap(nullptr, kRange, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    Check(start != MAP_FAILED, "simt: no address space for its memory");
    made->start = static_cast<char*>(start);
    return made;
  }();
  return *memory;
}

}  // namespace

SimtMemoryAccess::SimtMemoryAccess() {
  Memory& memory = TheMemory();
  std::lock_guard lock(memory.mutex);
  if (memory.open++ == 0) memory.Protect(PROT_READ | PROT_WRITE);
}

SimtMemoryAccess::~SimtMemoryAccess() {
  Memory& memory = TheMemory();
  std::lock_guard lock(memory.mutex);
  if (--memory.open == 0) memory.Protect(PROT_NONE);
}

void* ObtainSimtMemory(size_t bytes) {
  Memory& memory = TheMemory();
  std::lock_guard lock(memory.mutex);
  const size_t size = (bytes + kPage - 1) / kPage * kPage;
  if (size > kRange - memory.used) return nullptr;
  char* data = memory.start + memory.used;
  memory.used += size;
  if (memory.open > 0) memory.Protect(PROT_READ | PROT_WRITE);
  return data;
}

}  // namespace orbit
