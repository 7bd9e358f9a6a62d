// The emulator's device memory. The host can access it only while a kernel or a copy runs, so that code which takes a
// device address for a host address faults in tests, as it would on a GPU.
#ifndef ORBIT_ENGINE_SIMT_MEMORY_H_
#define ORBIT_ENGINE_SIMT_MEMORY_H_

#include <cstddef>

namespace orbit {

// While one is alive, the memory is accessible.
class SimtMemoryAccess {
 public:
  SimtMemoryAccess();
  ~SimtMemoryAccess();
  SimtMemoryAccess(const SimtMemoryAccess&) = delete;
};

// Memory from a range of 64 GiB of addresses, which are not reused; null when it is exhausted.
void* ObtainSimtMemory(size_t bytes);

}  // namespace orbit

#endif  // ORBIT_ENGINE_SIMT_MEMORY_H_
