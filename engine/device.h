// Where tensors live and kernels run.
#ifndef ORBIT_ENGINE_DEVICE_H_
#define ORBIT_ENGINE_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace orbit {

enum class DeviceType : uint8_t { kCpu };

struct Device {
  DeviceType type = DeviceType::kCpu;
  int index = 0;

  bool operator==(const Device&) const = default;
};

std::string NameOf(Device device);            // "cpu"
Device ParseDevice(const std::string& name);  // the inverse of NameOf; throws Error, naming the devices of this build

// Memory that one device's tensors hold, now and at most.
struct MemoryStatistics {
  int64_t bytes_in_use = 0;
  int64_t peak_bytes_in_use = 0;
  int64_t bytes_reserved = 0;  // in use or cached
};

// Returns at least `bytes` bytes of the device's memory, 64-byte aligned, contents undefined. Freed blocks are cached
// by size, so that a training step whose shapes repeat asks the system for nothing. Throws Error with the sizes when
// memory is exhausted.
void* Allocate(Device device, size_t bytes);
void Deallocate(Device device, void* data, size_t bytes);
MemoryStatistics GetMemoryStatistics(Device device);
void ResetPeakMemory(Device device);

// Copies between any two devices; has finished on return.
void CopyBytes(Device to_device, void* to, Device from_device, const void* from, size_t bytes);
void FillZero(Device device, void* data, size_t bytes);

}  // namespace orbit

#endif  // ORBIT_ENGINE_DEVICE_H_
