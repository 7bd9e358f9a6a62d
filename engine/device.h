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
  kCuda,  // NVIDIA GPUs, by number
  kSimt,  // the GPU kernels on an emulator, for tests (kernels/cuda/README.md)
};

struct Device {
  DeviceType type = DeviceType::kCpu;
  int index = 0;

  bool operator==(const Device&) const = default;
};

std::string NameOf(Device device);            // "cpu", "cuda:0", "simt"
Device ParseDevice(const std::string& name);  // the inverse, and "cuda" is "cuda:0"; throws Error where it is not here
// The GPUs that this build can use on this machine; why there is none is left in *reason where that is not null. Throws
// Error where there may be one that does not work.
std::vector<Device> CudaDevices(std::string* reason = nullptr);
std::string DescribeDevice(Device device);  // for people: "cuda:0 (NVIDIA H200, compute capability 9.0, 139 GiB)"

// Memory that one device's tensors hold, now and at most.
struct MemoryStatistics {
  int64_t bytes_in_use = 0;
  int64_t peak_bytes_in_use = 0;
  int64_t bytes_reserved = 0;      // in use or cached
  int64_t system_allocations = 0;  // how often the system was asked for memory
};

// Returns at least `bytes` bytes of the device's memory, 64-byte aligned, contents undefined. Freed blocks are cached
// by size, so that a training step whose shapes repeat asks the system for nothing; what kernels queued before the
// deallocation still do with a block, they do before those queued after. Throws Error with the sizes, and what holds
// them, when memory is exhausted.
void* Allocate(Device device, size_t bytes);
void Deallocate(Device device, void* data) noexcept;
MemoryStatistics GetMemoryStatistics(Device device);
void ResetPeakMemory(Device device);

// Copies between any two devices, in the order of kernels. It waits for the device where it copies from there to the
// host or to another device, and only then.
void CopyBytes(Device to_device, void* to, Device from_device, const void* from, size_t bytes);
void FillZero(Device device, void* data, size_t bytes);
// Writes the element's 1, 2, 4 or 8 bytes, which are the host's, `count` times.
void Fill(Device device, void* data, const void* element, size_t element_bytes, size_t count);

// Waits until the device has done all it was given.
void Synchronize(Device device);
// Seconds that the device takes for what `run` gives it, by its own events; on the host by the clock.
double TimeOn(Device device, const std::function<void()>& run);
// How often the host has waited for all that a device was given. A warm training step does not.
int64_t SynchronizationCount(Device device);

}  // namespace orbit

#endif  // ORBIT_ENGINE_DEVICE_H_
