// Backend: the interface between the engine and a kind of device, one per DeviceType. All other code uses device.h.
#ifndef ORBIT_ENGINE_BACKEND_H_
#define ORBIT_ENGINE_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/device.h"
#include "kernels/bfloat16.h"

namespace orbit {

// Bytes from several places that are being copied to the host, one after the other.
class PendingCopy {
 public:
  virtual ~PendingCopy() = default;
  virtual const void* Wait() = 0;  // valid as long as this object lives
};

struct DeviceBytes {
  const void* data;
  size_t bytes;
};

// The work that a device was given during a capture. It can be done repeatedly.
class RecordedWork {
 public:
  virtual ~RecordedWork() = default;
  virtual void Launch() = 0;
  virtual int64_t size() const = 0;  // number of kernels, fills and copies
};

// A point in the work of a SideQueue.
class Mark {
 public:
  virtual ~Mark() = default;
  virtual bool Reached() = 0;      // asks, without waiting
  virtual void HoldKernels() = 0;  // what the device is given from now on runs after it
};

// Work that runs beside the device's kernels, in its own order, such as communication and copies of input. It may be
// given from another thread than the one that gives the device its kernels.
class SideQueue {
 public:
  virtual ~SideQueue() = default;
  virtual void* handle() = 0;       // a cudaStream_t or, on the emulator, a SimtStream* (engine/simt_queue.h)
  virtual void AfterKernels() = 0;  // what follows runs after the work that the device has been given so far
  // The host memory may change as soon as the call returns, which does not wait for the device's kernels. (Its first
  // calls obtain page-locked memory, for which CUDA may wait.)
  virtual void CopyFromHost(void* to, const void* from, size_t bytes) = 0;
  // Adds `count` arrays of `size` elements that lie one after the other (kernels/add_parts.h).
  virtual void AddParts(const BFloat16* parts, int64_t count, int64_t size, BFloat16* sum) = 0;
  virtual std::unique_ptr<Mark> Record() = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // The number of devices of this kind. If it is 0, no other function is called. Throws Error if it cannot be
  // determined.
  virtual int count(std::string* reason) = 0;
  virtual std::string Describe(int index) = 0;

  // Memory from the system, 64-byte aligned; null if there is none left.
  virtual void* Obtain(int index, size_t bytes) = 0;
  virtual void Release(int index, void* data, size_t bytes) noexcept = 0;

  // All of these run in the order of kernels. The host memory that a copy reads may change as soon as the call returns.
  virtual void CopyFromHost(int index, void* to, const void* from, size_t bytes) = 0;
  virtual void CopyToHost(int index, void* to, const void* from, size_t bytes) = 0;  // waits
  virtual void CopyWithin(int index, void* to, const void* from, size_t bytes) = 0;
  virtual void FillZero(int index, void* data, size_t bytes) = 0;
  virtual void Fill(int index, void* data, const void* element, size_t element_bytes, size_t count) = 0;
  virtual std::unique_ptr<PendingCopy> StartCopyToHost(int index, const std::vector<DeviceBytes>& pieces) = 0;
  virtual void Synchronize(int index) = 0;

  // Null where kernels are done when they return, as on the CPU.
  virtual std::unique_ptr<SideQueue> MakeSideQueue(int /*index*/) { return nullptr; }

  // After BeginCapture kernels, fills and copies within the device are recorded instead of done, and no other function
  // but Obtain is called. EndCapture ends that, even if it throws because the record is unusable.
  virtual bool captures() const { return false; }
  virtual void BeginCapture(int /*index*/) {}
  virtual std::unique_ptr<RecordedWork> EndCapture(int /*index*/) { return nullptr; }

  // The seconds that the device takes for the work that `run` gives it.
  virtual double Time(int index, const std::function<void()>& run);
};

Backend& BackendOf(DeviceType type);

// The three backends, each in its own file. In a build without CUDA, CudaBackend() has no devices.
Backend& CpuBackend();
Backend& CudaBackend();
Backend& SimtBackend();

}  // namespace orbit

#endif  // ORBIT_ENGINE_BACKEND_H_
