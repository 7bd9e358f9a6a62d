#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "engine/backend.h"

namespace orbit {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{1} << 21;

class Bytes : public PendingCopy {
 public:
  explicit Bytes(const std::vector<DeviceBytes>& pieces) {
    for (const auto& [data, bytes] : pieces) {
      const char* from = static_cast<const char*>(data);
      bytes_.insert(bytes_.end(), from, from + bytes);
    }
  }
  const void* Wait() override { return bytes_.data(); }

 private:
  std::vector<char> bytes_;
};

class Cpu : public Backend {
 public:
  int count(std::string*) override { return 1; }
  std::string Describe(int) override { return "cpu"; }

  void* Obtain(int, size_t bytes) override {
    const size_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
    void* block = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (block && alignment == kHugePage) madvise(block, bytes, MADV_HUGEPAGE);
    return block;
  }
  void Release(int, void* data, size_t) noexcept override { std::free(data); }

  void CopyFromHost(int, void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }
  void CopyToHost(int, void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }
  void CopyWithin(int, void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }
  void FillZero(int, void* data, size_t bytes) override { std::memset(data, 0, bytes); }
  void Fill(int, void* data, const void* element, size_t element_bytes, size_t count) override {
    char* to = static_cast<char*>(data);
    std::memcpy(to, element, element_bytes);
    for (size_t done = 1; done < count; done *= 2)
      std::memcpy(to + done * element_bytes, to, std::min(done, count - done) * element_bytes);
  }
  std::unique_ptr<PendingCopy> StartCopyToHost(int, const std::vector<DeviceBytes>& pieces) override {
    return std::make_unique<Bytes>(pieces);
  }
  void Synchronize(int) override {}
};

}  // namespace

Backend& CpuBackend() {
  static Backend* backend = new Cpu;  // outlives every tensor, including static ones
  return *backend;
}

}  // namespace orbit
