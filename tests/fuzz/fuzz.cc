#include "tests/fuzz/fuzz.h"

#include <sanitizer/allocator_interface.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "kernels/error.h"

namespace orbit {
namespace {

// Counts this thread's allocations while a reader runs.
thread_local bool counting = false;
thread_local int64_t live = 0, peak = 0;

void OnMalloc(const volatile void*, size_t size) {
  if (!counting) return;
  live += static_cast<int64_t>(size);
  peak = std::max(peak, live);
}

void OnFree(const volatile void* memory) {
  if (counting && memory != nullptr)
    live -= static_cast<int64_t>(__sanitizer_get_allocated_size(const_cast<void*>(memory)));
}

void Read(const FuzzInput& input, const std::function<void(const FuzzInput&)>& read) {
  live = peak = 0;
  counting = true;
  try {
    read(input);
  } catch (const Error&) {
  }
  counting = false;
}

}  // namespace

int Fuzz(const uint8_t* data, size_t size, const std::function<void(const FuzzInput&)>& read, int64_t fixed_bytes) {
  [[maybe_unused]] static const int installed = __sanitizer_install_malloc_and_free_hooks(OnMalloc, OnFree);
  const FuzzInput input{{reinterpret_cast<const std::byte*>(data), size}, {reinterpret_cast<const char*>(data), size}};
  Read(input, read);
  const auto allowed = fixed_bytes + kBytesPerByte * static_cast<int64_t>(size);
  if (peak > allowed) {
    std::fprintf(stderr, "%zu bytes of input made a reader hold %ld bytes; %ld are allowed\n", size,
                 static_cast<long>(peak), static_cast<long>(allowed));
    std::abort();
  }
  // A first reading may leave tables that are made once; a second one must leave nothing.
  if (live > 0) Read(input, read);
  if (live > 0) {
    std::fprintf(stderr, "a reader left %ld bytes behind\n", static_cast<long>(live));
    std::abort();
  }
  return 0;
}

}  // namespace orbit
