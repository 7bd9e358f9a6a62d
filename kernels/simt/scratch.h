// Where emulated kernels get temporary memory.
#ifndef ORBIT_KERNELS_SIMT_SCRATCH_H_
#define ORBIT_KERNELS_SIMT_SCRATCH_H_

#include <cstddef>

namespace orbit::kernels::simt {

// malloc and free, unless an allocator is set, so that AddressSanitizer sees the bounds of each array.
struct ScratchAllocator {
  void* (*allocate)(size_t bytes);
  void (*free)(void* memory);
};
void SetScratchAllocator(ScratchAllocator allocator);  // call before the first kernel
void* AllocateScratch(size_t bytes);
void FreeScratch(void* memory) noexcept;

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_SCRATCH_H_
