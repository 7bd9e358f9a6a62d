// The emulator's device memory: closed to the host except where a kernel or a copy runs, so that code which takes a
// device's address for the host's ends with a fault in tests, as it would on a GPU.
#ifndef ORBIT_ENGINE_SIMT_MEMORY_H_
#define ORBIT_ENGINE_SIMT_MEMORY_H_

#include <cstddef>

namespace orbit {

// While one is alive, the memory is open.
class SimtMemoryAccess {
 public:
  SimtMemoryAccess();
  ~SimtMemoryAccess();
  SimtMemoryAccess(const SimtMemoryAccess&) = delete;
};

// From an address range of 64 GiB that nothing is given back to; null where it is used up.
void* ObtainSimtMemory(size_t bytes);

}  // namespace orbit

#endif  // ORBIT_ENGINE_SIMT_MEMORY_H_
