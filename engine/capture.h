// Capture: the work that a device is given is recorded once instead of done, and can then be done repeatedly by a
// single launch. On NVIDIA GPUs this is a CUDA graph; the emulator imitates it.
//
// Kernels, fills and copies within the device are recorded, with their addresses and arguments. So captured work reads
// device memory at the time of its launch, and everything that changes must be there. It can neither wait for the
// device nor copy from or to the host: during a capture these throw Error, naming the operation.
//
// Memory that is allocated during a capture belongs to the captured work until that is destroyed, even if it is freed
// before. Memory that was allocated earlier, which the work may read, is not handed to others before then either.
#ifndef ORBIT_ENGINE_CAPTURE_H_
#define ORBIT_ENGINE_CAPTURE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/backend.h"
#include "engine/device.h"

namespace orbit {

// Whether this kind of device can capture: GPUs and the emulator can, the CPU cannot.
bool CanCapture(Device device);

// Throws Error if the device is being captured, saying that `what` cannot be part of captured work.
void CheckNotCapturing(Device device, const char* what);

// Whether the device is being captured, and how often captured work was launched on it.
bool IsCapturing(Device device);
int64_t LaunchCount(Device device);

class CapturedWork {
 public:
  // Calls `work` once and records what it gives the device. Nothing else may use the device meanwhile. If `work`
  // throws, the exception reaches the caller and nothing is recorded.
  CapturedWork(Device device, const std::function<void()>& work);
  ~CapturedWork();
  CapturedWork(const CapturedWork&) = delete;

  void Launch();         // in the order of kernels
  int64_t size() const;  // number of kernels, fills and copies

 private:
  friend void AfterCapture(Device, std::function<void()>);
  friend void BeforeLaunch(Device, std::function<void()>);
  friend void OnLaunch(Device, std::function<void()>);

  const Device device_;
  std::shared_ptr<void> memory_;  // the memory that belongs to the work
  std::unique_ptr<RecordedWork> recorded_;
  std::vector<std::function<void()>> after_capture_, before_launch_, on_launch_;
};

// Runs `then` once the capture that the device is in is over.
void AfterCapture(Device device, std::function<void()> then);

// Runs `prepare`, which may give the device work, before each launch of what the device is being captured into.
void BeforeLaunch(Device device, std::function<void()> prepare);

// Runs `effect`, which changes host state such as a count of steps: now or, if the device is being captured, on each
// launch.
void OnLaunch(Device device, std::function<void()> effect);

}  // namespace orbit

#endif  // ORBIT_ENGINE_CAPTURE_H_
