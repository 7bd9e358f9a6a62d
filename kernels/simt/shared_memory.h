// The shared memory of the running block.
#ifndef ORBIT_KERNELS_SIMT_SHARED_MEMORY_H_
#define ORBIT_KERNELS_SIMT_SHARED_MEMORY_H_

#include <cstddef>
#include <utility>
#include <vector>

namespace orbit::kernels::simt {

inline constexpr size_t kStaticLimit = 48 << 10;   // bytes of a block's static variables, or in all unless permitted
inline constexpr size_t kSharedLimit = 227 << 10;  // bytes in all where permitted, as on compute capability 9.0
inline constexpr size_t kDynamicAlignment = 256;   // bytes that may lie between static and dynamic memory

// Fresh pages; ThreadSanitizer, too, forgets what was at their addresses before.
class Pages {
 public:
  explicit Pages(size_t size);
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  char* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  size_t size_;
  char* data_;
};

// Variables are placed in the order of first use and filled with poison. Between them AddressSanitizer forbids access.
class SharedMemory {
 public:
  // Throws std::runtime_error beyond the limits, as Static does.
  SharedMemory(size_t dynamic_bytes, bool permitted);

  void* dynamic() const { return pages_.data(); }
  // The variable that `key` names.
  void* Static(const void* key, size_t size);
  void Renew();  // forgets all variables and poisons the dynamic part again

 private:
  void CheckLimits() const;

  size_t dynamic_bytes_, next_ = 0, static_bytes_ = 0;
  bool permitted_;
  Pages pages_;
  std::vector<std::pair<const void*, void*>> variables_;
};

// Fills memory with a pattern that is NaN in half, single and double precision, and a large index.
void Poison(void* memory, size_t size);

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_SHARED_MEMORY_H_
