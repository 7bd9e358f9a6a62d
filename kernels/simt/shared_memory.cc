#include "kernels/simt/shared_memory.h"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>

#include "kernels/simt/sanitizer.h"

namespace orbit::kernels::simt {
namespace {

constexpr size_t kAlignment = 128, kGap = 128, kMaxVariables = 64;

size_t Padded(size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment + kGap; }

void Forbid(char* memory, size_t size) {
  if constexpr (kAddressSanitizer) __asan_poison_memory_region(memory, size);
}

void Allow(void* memory, size_t size) {
  if constexpr (kAddressSanitizer) __asan_unpoison_memory_region(memory, size);
}

}  // namespace

Pages::Pages(size_t size)
    : size_(size),
      data_(static_cast<char*>(
          mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
  if (data_ == MAP_FAILED) throw std::bad_alloc();
}

Pages::~Pages() {
  if constexpr (kAddressSanitizer) __asan_unpoison_memory_region(data_, size_);
  munmap(data_, size_);
}

// Nothing is allocated once threads run: to ThreadSanitizer it would be the memory of one of them.
SharedMemory::SharedMemory(size_t dynamic_bytes, bool permitted)
    : dynamic_bytes_(dynamic_bytes),
      permitted_(permitted),
      pages_(Padded(dynamic_bytes) + kStaticLimit + kMaxVariables * (kAlignment + kGap)) {
  CheckLimits();
  variables_.reserve(kMaxVariables);
  Renew();
}

void SharedMemory::Renew() {
  variables_.clear();
  static_bytes_ = 0;
  next_ = Padded(dynamic_bytes_);
  Forbid(pages_.data(), pages_.size());
  Allow(pages_.data(), dynamic_bytes_);
  Poison(pages_.data(), dynamic_bytes_);
}

void SharedMemory::CheckLimits() const {
  const size_t alignment = static_bytes_ > 0 && dynamic_bytes_ > 0 ? kDynamicAlignment : 0;
  const size_t total = static_bytes_ + alignment + dynamic_bytes_;
  if (static_bytes_ <= kStaticLimit && total <= (permitted_ ? kSharedLimit : kStaticLimit)) return;
  throw std::runtime_error(std::to_string(static_bytes_) + " bytes of static and " + std::to_string(dynamic_bytes_) +
                           " of dynamic shared memory, " + std::to_string(total) +
                           " with what aligns them; a block has " + std::to_string(kStaticLimit) + ", or " +
                           std::to_string(kSharedLimit) + " where permitted");
}

void* SharedMemory::Static(const void* key, size_t size) {
  for (const auto& [known, variable] : variables_)
    if (known == key) return variable;
  static_bytes_ += size;
  if (variables_.size() == kMaxVariables)
    throw std::runtime_error("the emulator takes " + std::to_string(kMaxVariables) + " static shared variables");
  CheckLimits();
  char* variable = pages_.data() + next_;
  next_ += Padded(size);
  Allow(variable, size);
  Poison(variable, size);
  variables_.emplace_back(key, variable);
  return variable;
}

// Uses plain stores, because memset would tell ThreadSanitizer that the calling thread wrote here.
void Poison(void* memory, size_t size) {
  constexpr unsigned char kPattern[2] = {0xf5, 0x7f};
  volatile char* bytes = static_cast<char*>(memory);
  size_t i = 0;
  if (reinterpret_cast<uintptr_t>(memory) % 8 == 0)
    for (; i + 8 <= size; i += 8) *reinterpret_cast<volatile uint64_t*>(bytes + i) = 0x7ff57ff57ff57ff5u;
  for (; i < size; ++i) bytes[i] = static_cast<char>(kPattern[i % 2]);
}

}  // namespace orbit::kernels::simt
