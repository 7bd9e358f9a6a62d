// Capture: what a device is given is recorded once instead of done, and then done, as often as one likes, by one
// launch: on NVIDIA GPUs a CUDA graph, on the emulator the same by other means.
//
// Recorded are kernels, fills and copies within the device, with the addresses and numbers that they were given. So
// captured work reads what is in the device's memory when it is launched, and must find everything that changes there.
// It can neither wait for the device nor copy from or to the host: while a device is captured these throw Error, naming
// the operation.
//
// Memory. What is allocated during a capture belongs to the captured work until that is destroyed, freed or not; and
// what had been allocated before, and may be read by it, is given to nobody else before then, whoever frees it.
#ifndef ORBIT_ENGINE_CAPTURE_H_
#define ORBIT_ENGINE_CAPTURE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/backend.h"
#include "engine/device.h"

namespace orbit {

// Whether this kind of device captures: GPUs and the emulator do, the CPU does not.
bool CanCapture(Device device);

// Throws Error where the device is being captured: `what` cannot be part of captured work.
void CheckNotCapturing(Device device, const char* what);

class CapturedWork {
 public:
  // Records what `work`, called once, gives the device. Nothing else may use the device meanwhile. What `work` throws
  // goes on to the caller, and the device is as if nothing had been recorded.
  CapturedWork(Device device, const std::function<void()>& work);
  ~CapturedWork();
  CapturedWork(const CapturedWork&) = delete;

  void Launch();         // in the order of kernels
  int64_t size() const;  // kernels, fills and copies

 private:
  friend void OnLaunch(Device, std::function<void()>);

  const Device device_;
  std::shared_ptr<void> memory_;  // that belongs to it
  std::unique_ptr<RecordedWork> recorded_;
  std::vector<std::function<void()>> on_launch_;
};

// What a step changes on the host, a count of steps for one: called now or, while the device is captured, by each
// launch.
void OnLaunch(Device device, std::function<void()> effect);

}  // namespace orbit

#endif  // ORBIT_ENGINE_CAPTURE_H_
