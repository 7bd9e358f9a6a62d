#include <cstring>

#include "engine/backend.h"
#include "engine/simt_memory.h"

namespace orbit {
namespace {

class Simt : public Backend {
 public:
  int count(std::string*) override { return 1; }
  std::string Describe(int) override { return "simt (the GPU kernels on an emulator)"; }

  void* Obtain(int, size_t bytes) override { return ObtainSimtMemory(bytes); }
  void Release(int, void*, size_t) noexcept override {}

  void CopyFromHost(int, void* to, const void* from, size_t bytes) override {
    const SimtMemoryAccess access;
    std::memcpy(to, from, bytes);
  }
  void CopyToHost(int, void* to, const void* from, size_t bytes) override {
    const SimtMemoryAccess access;
    std::memcpy(to, from, bytes);
  }
  void CopyWithin(int index, void* to, const void* from, size_t bytes) override { CopyToHost(index, to, from, bytes); }
  void FillZero(int, void* data, size_t bytes) override {
    const SimtMemoryAccess access;
    std::memset(data, 0, bytes);
  }
  std::unique_ptr<PendingCopy> StartCopyToHost(int index, const std::vector<DeviceBytes>& pieces) override {
    const SimtMemoryAccess access;
    return CpuBackend().StartCopyToHost(index, pieces);
  }
  void Synchronize(int) override {}
};

}  // namespace

Backend& SimtBackend() {
  static Backend* backend = new Simt;
  return *backend;
}

}  // namespace orbit
