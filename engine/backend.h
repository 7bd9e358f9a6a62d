// Backend: what the engine asks of a kind of device. There is one for each DeviceType; device.h is what others use.
#ifndef ORBIT_ENGINE_BACKEND_H_
#define ORBIT_ENGINE_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/device.h"

namespace orbit {

// Bytes of several places, on their way to the host one after the other.
class PendingCopy {
 public:
  virtual ~PendingCopy() = default;
  virtual const void* Wait() = 0;  // valid as long as this lives
};

struct DeviceBytes {
  const void* data;
  size_t bytes;
};

// What a device was given while it was captured, to be done again.
class RecordedWork {
 public:
  virtual ~RecordedWork() = default;
  virtual void Launch() = 0;
  virtual int64_t size() const = 0;  // kernels, fills and copies
};

class Backend {
 public:
  virtual ~Backend() = default;

  // How many devices of this kind there are. With none, nothing else is called. Throws Error where that cannot be told.
  virtual int count(std::string* reason) = 0;
  virtual std::string Describe(int index) = 0;

  // Memory from the system, 64-byte aligned; null where there is none left.
  virtual void* Obtain(int index, size_t bytes) = 0;
  virtual void Release(int index, void* data, size_t bytes) noexcept = 0;

  // All in the order of kernels; what a copy takes from the host may change once the call is back.
  virtual void CopyFromHost(int index, void* to, const void* from, size_t bytes) = 0;
  virtual void CopyToHost(int index, void* to, const void* from, size_t bytes) = 0;  // waits
  virtual void CopyWithin(int index, void* to, const void* from, size_t bytes) = 0;
  virtual void FillZero(int index, void* data, size_t bytes) = 0;
  virtual void Fill(int index, void* data, const void* element, size_t element_bytes, size_t count) = 0;
  virtual std::unique_ptr<PendingCopy> StartCopyToHost(int index, const std::vector<DeviceBytes>& pieces) = 0;
  virtual void Synchronize(int index) = 0;

  // From BeginCapture on kernels, fills and copies within the device are recorded instead of done; nothing else is
  // called but Obtain. EndCapture ends that, also where it throws because what was recorded is no use.
  virtual bool captures() const { return false; }
  virtual void BeginCapture(int /*index*/) {}
  virtual std::unique_ptr<RecordedWork> EndCapture(int /*index*/) { return nullptr; }

  // Seconds that the device takes for what `run` gives it.
  virtual double Time(int index, const std::function<void()>& run);
};

Backend& BackendOf(DeviceType type);

// The three, each in a file of its own. Without CUDA in the build CudaBackend() has no devices.
Backend& CpuBackend();
Backend& CudaBackend();
Backend& SimtBackend();

}  // namespace orbit

#endif  // ORBIT_ENGINE_BACKEND_H_
