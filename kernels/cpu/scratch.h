// Temporary memory for kernels.
#ifndef ORBIT_KERNELS_CPU_SCRATCH_H_
#define ORBIT_KERNELS_CPU_SCRATCH_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace orbit::kernels {

namespace internal {

// A 64-byte aligned block. When freed, its thread keeps it for the next kernel, so that warm steps neither allocate nor
// touch fresh pages.
class ScratchBlock {
 public:
  explicit ScratchBlock(size_t bytes);
  ~ScratchBlock();
  ScratchBlock(const ScratchBlock&) = delete;
  ScratchBlock& operator=(const ScratchBlock&) = delete;

 protected:
  void* data_;
  size_t bytes_;
};

}  // namespace internal

// `size` uninitialised elements, followed by 64 readable bytes, for the lifetime of this object. It must be created and
// destroyed on the same thread.
template <class T>
class Scratch : internal::ScratchBlock {
  static_assert(std::is_trivial_v<T>);

 public:
  explicit Scratch(int64_t size) : ScratchBlock(static_cast<size_t>(size) * sizeof(T) + 64) {}

  T* data() { return static_cast<T*>(data_); }
};

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CPU_SCRATCH_H_
