// Where emulated kernels get memory for intermediate values.
#ifndef ORBIT_KERNELS_SIMT_SCRATCH_H_
#define ORBIT_KERNELS_SIMT_SCRATCH_H_

#include <cstddef>

namespace orbit::kernels::simt {

// malloc and free, so that AddressSanitizer sees each array's ends, unless an allocator is set.
struct ScratchAllocator {
  void* (*allocate)(size_t bytes);
  void (*free)(void* memory);
};
void SetScratchAllocator(ScratchAllocator allocator);  // before the first kernel
void* AllocateScratch(size_t bytes);
void FreeScratch(void* memory) noexcept;

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_SCRATCH_H_
