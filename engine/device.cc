#include "engine/device.h"

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/backend.h"
#include "engine/caching_allocator.h"
#include "engine/capture.h"
#include "kernels/error.h"

namespace orbit {
namespace {

std::atomic<int64_t>& CounterOf(Device device) {
  static std::array<std::array<std::atomic<int64_t>, kMostDevices>, 3> counters{};
  return counters[static_cast<size_t>(device.type)][device.index];
}

bool IsHost(Device device) { return device.type == DeviceType::kCpu; }

}  // namespace

CachingAllocator& AllocatorOf(Device device) {
  static std::array<std::array<std::atomic<CachingAllocator*>, kMostDevices>, 3> allocators{};  // never freed
  std::atomic<CachingAllocator*>& allocator = allocators[static_cast<size_t>(device.type)][device.index];
  if (CachingAllocator* made = allocator.load()) return *made;
  auto fresh = std::make_unique<CachingAllocator>(device);
  CachingAllocator* made = nullptr;
  if (allocator.compare_exchange_strong(made, fresh.get())) made = fresh.release();
  return *made;
}

Backend& BackendOf(DeviceType type) {
  switch (type) {
    case DeviceType::kCuda:
      return CudaBackend();
    case DeviceType::kSimt:
      return SimtBackend();
    case DeviceType::kCpu:
      break;
  }
  return CpuBackend();
}

std::string NameOf(Device device) {
  switch (device.type) {
    case DeviceType::kCuda:
      return "cuda:" + std::to_string(device.index);
    case DeviceType::kSimt:
      return "simt";
    case DeviceType::kCpu:
      break;
  }
  return "cpu";
}

std::vector<Device> CudaDevices(std::string* reason) {
  std::vector<Device> devices;
  const int count = std::min(CudaBackend().count(reason), kMostDevices);
  for (int i = 0; i < count; ++i) devices.push_back({DeviceType::kCuda, i});
  return devices;
}

Device ParseDevice(const std::string& name) {
  if (name == "cpu") return {};
  if (name == "simt") return {DeviceType::kSimt};
  if (name != "cuda" && !name.starts_with("cuda:"))
    Fail("unknown device '", name, "'; there are cpu, cuda, cuda:N and simt");
  const std::string number = name == "cuda" ? "0" : name.substr(5);
  const bool valid =
      !number.empty() && number.size() < 4 && number.find_first_not_of("0123456789") == std::string::npos;
  Check(valid, "'", name, "' is no device: after cuda: comes the number of a GPU");
  std::string reason;
  const std::vector<Device> devices = CudaDevices(&reason);
  Check(!devices.empty(), "no ", name, " here: ", reason);
  const size_t index = std::stoul(number);
  Check(index < devices.size(), "no ", name, " here: the GPUs are cuda:0 to cuda:", devices.size() - 1);
  return devices[index];
}

std::string DescribeDevice(Device device) { return BackendOf(device.type).Describe(device.index); }

void* Allocate(Device device, size_t bytes) { return AllocatorOf(device).Allocate(bytes); }
void Deallocate(Device device, void* data) noexcept { AllocatorOf(device).Deallocate(data); }
MemoryStatistics GetMemoryStatistics(Device device) { return AllocatorOf(device).statistics(); }
void ResetPeakMemory(Device device) { AllocatorOf(device).ResetPeak(); }

void CopyBytes(Device to_device, void* to, Device from_device, const void* from, size_t bytes) {
  if (bytes == 0) return;
  Backend& destination = BackendOf(to_device.type);
  if (IsHost(from_device)) {
    CheckNotCapturing(to_device, "a copy from the host");
    return destination.CopyFromHost(to_device.index, to, from, bytes);
  }
  Backend& source = BackendOf(from_device.type);
  if (to_device == from_device) return source.CopyWithin(from_device.index, to, from, bytes);
  CheckNotCapturing(from_device, "a copy from the device");
  CheckNotCapturing(to_device, "a copy from another device");
  ++CounterOf(from_device);
  if (IsHost(to_device)) return source.CopyToHost(from_device.index, to, from, bytes);
  std::vector<char> host(bytes);
  source.CopyToHost(from_device.index, host.data(), from, bytes);
  destination.CopyFromHost(to_device.index, to, host.data(), bytes);
}

void FillZero(Device device, void* data, size_t bytes) {
  if (bytes > 0) BackendOf(device.type).FillZero(device.index, data, bytes);
}

void Fill(Device device, void* data, const void* element, size_t element_bytes, size_t count) {
  if (count > 0) BackendOf(device.type).Fill(device.index, data, element, element_bytes, count);
}

void Synchronize(Device device) {
  if (IsHost(device)) return;
  CheckNotCapturing(device, "a wait for the device");
  ++CounterOf(device);
  BackendOf(device.type).Synchronize(device.index);
}

double Backend::Time(int index, const std::function<void()>& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  Synchronize(index);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double TimeOn(Device device, const std::function<void()>& run) {
  CheckNotCapturing(device, "timing");
  return BackendOf(device.type).Time(device.index, run);
}

int64_t SynchronizationCount(Device device) { return CounterOf(device); }

}  // namespace orbit
