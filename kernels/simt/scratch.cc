#include "kernels/simt/scratch.h"

#include <cstdlib>

namespace orbit::kernels::simt {
namespace {

constinit ScratchAllocator allocator = {std::malloc, std::free};

}  // namespace

void SetScratchAllocator(ScratchAllocator other) { allocator = other; }

void* AllocateScratch(size_t bytes) { return allocator.allocate(bytes); }

void FreeScratch(void* memory) noexcept { allocator.free(memory); }

}  // namespace orbit::kernels::simt
