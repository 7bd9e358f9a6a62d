// Where tensors live and kernels run.
#ifndef ORBIT_ENGINE_DEVICE_H_
#define ORBIT_ENGINE_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace orbit {

enum class DeviceType : uint8_t {
  kCpu,
  kCuda,  // NVIDIA GPUs
  kSimt,  // the GPU kernels on an emulator, for tests (kernels/cuda/README.md)
};

struct Device {
  DeviceType type = DeviceType::kCpu;
  int index = 0;

  bool operator==(const Device&) const = default;
};

std::string NameOf(Device device);  // "cpu", "cuda:0", "simt"
// the inverse; "cuda" is "cuda:0". Throws Error if the device is not available
Device ParseDevice(const std::string& name);
// The GPUs that this build can use on this machine. If there are none, *reason says why, unless `reason` is null.
// Throws Error if there may be a GPU that does not work.
std::vector<Device> CudaDevices(std::string* reason = nullptr);
std::string DescribeDevice(Device device);  // for people: "cuda:0 (NVIDIA H200, compute capability 9.0, 139 GiB)"

// The memory of one device's tensors.
struct MemoryStatistics {
  int64_t bytes_in_use = 0;
  int64_t peak_bytes_in_use = 0;
  int64_t bytes_reserved = 0;      // in use or cached
  int64_t system_allocations = 0;  // how often the system was asked for memory
};

// Returns at least `bytes` bytes of the device's memory, 64-byte aligned and uninitialised. Freed blocks are cached by
// size, so that training steps of repeated shapes request nothing from the system. A block may be deallocated while
// queued kernels still use it: kernels queued later run after them. If memory is exhausted, throws Error with the sizes
// and what holds them.
void* Allocate(Device device, size_t bytes);
void Deallocate(Device device, void* data) noexcept;
MemoryStatistics GetMemoryStatistics(Device device);
void ResetPeakMemory(Device device);

// Copies between any two devices, in the order of kernels. Waits for the device only when copying from it to the host
// or to another device.
void CopyBytes(Device to_device, void* to, Device from_device, const void* from, size_t bytes);
void FillZero(Device device, void* data, size_t bytes);
// Fills `data` with `count` copies of an element of 1, 2, 4 or 8 bytes, which `element` points to in host memory.
void Fill(Device device, void* data, const void* element, size_t element_bytes, size_t count);

// Waits until the device has finished all its work.
void Synchronize(Device device);
// The seconds that the device takes for the work that `run` gives it, by the device's events or, on the host, by the
// clock.
double TimeOn(Device device, const std::function<void()>& run);
// How often the host has waited for all work of a device. A warm training step does not.
int64_t SynchronizationCount(Device device);

}  // namespace orbit

#endif  // ORBIT_ENGINE_DEVICE_H_
