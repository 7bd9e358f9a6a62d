#include <cstring>
#include <string>
#include <utility>

#include "engine/backend.h"
#include "engine/simt_memory.h"
#include "engine/simt_queue.h"
#include "kernels/simt/recording.h"
#include "kernels/simt/scratch.h"

namespace orbit {
namespace {

using kernels::simt::Submit;

class Recorded : public RecordedWork {
 public:
  explicit Recorded(kernels::simt::Recording work) : work_(std::move(work)) {}
  void Launch() override {
    const SimtMemoryAccess access;
    for (const auto& work : work_) work();
  }
  int64_t size() const override { return std::ssize(work_); }

 private:
  const kernels::simt::Recording work_;
};

class Simt : public Backend {
 public:
  Simt() {
    static constexpr Device kDevice = {DeviceType::kSimt};
    kernels::simt::SetScratchAllocator(
        {[](size_t bytes) { return Allocate(kDevice, bytes); }, [](void* memory) { Deallocate(kDevice, memory); }});
  }

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
  void CopyWithin(int index, void* to, const void* from, size_t bytes) override {
    Submit([=, this] { CopyToHost(index, to, from, bytes); });
  }
  void FillZero(int, void* data, size_t bytes) override {
    Submit([=] {
      const SimtMemoryAccess access;
      std::memset(data, 0, bytes);
    });
  }
  void Fill(int index, void* data, const void* element, size_t element_bytes, size_t count) override {
    const std::string kept(static_cast<const char*>(element), element_bytes);
    Submit([=] {
      const SimtMemoryAccess access;
      CpuBackend().Fill(index, data, kept.data(), kept.size(), count);
    });
  }
  std::unique_ptr<PendingCopy> StartCopyToHost(int index, const std::vector<DeviceBytes>& pieces) override {
    const SimtMemoryAccess access;
    return CpuBackend().StartCopyToHost(index, pieces);
  }
  void Synchronize(int) override {}
  std::unique_ptr<SideQueue> MakeSideQueue(int) override { return MakeSimtQueue(); }

  bool captures() const override { return true; }
  void BeginCapture(int) override { kernels::simt::recording = &recording_; }
  std::unique_ptr<RecordedWork> EndCapture(int) override {
    kernels::simt::recording = nullptr;
    return std::make_unique<Recorded>(std::exchange(recording_, {}));
  }

 private:
  kernels::simt::Recording recording_;
};

}  // namespace

Backend& SimtBackend() {
  static Backend* backend = new Simt;
  return *backend;
}

}  // namespace orbit
