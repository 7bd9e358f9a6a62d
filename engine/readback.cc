#include "engine/readback.h"

#include <cstring>

#include "engine/capture.h"

namespace orbit {
namespace {

// Reads the number at `from` and advances `from`.
double Take(const char*& from, DType dtype) {
  const auto take = [&](auto number) {
    std::memcpy(&number, from, sizeof(number));
    from += sizeof(number);
    return static_cast<double>(number);
  };
  return dtype == DType::kF32 ? take(float{}) : take(double{});
}

}  // namespace

Readback::Readback(const std::vector<Tensor>& values) {
  std::vector<DeviceBytes> on_host, on_device;
  Device device;
  for (const Tensor& value : values) {
    Check(value.dtype() == DType::kF32 || value.dtype() == DType::kF64, "Readback of ", value.Describe());
    const bool here = value.device() == Device{};
    Check(here || on_device.empty() || value.device() == device, "Readback from ", NameOf(device), " and ",
          NameOf(value.device()));
    if (!here) device = value.device();
    (here ? on_host : on_device).push_back({value.raw(), static_cast<size_t>(value.bytes())});
    parts_.push_back({here, value.dtype(), value.size()});
  }
  if (!on_device.empty()) CheckNotCapturing(device, "a readback");
  host_ = CpuBackend().StartCopyToHost(0, on_host);
  if (!on_device.empty()) device_ = BackendOf(device.type).StartCopyToHost(device.index, on_device);
}

std::vector<double> Readback::Get() const {
  const char* host = host_ ? static_cast<const char*>(host_->Wait()) : nullptr;
  const char* device = device_ ? static_cast<const char*>(device_->Wait()) : nullptr;
  std::vector<double> numbers;
  for (const auto& [on_host, dtype, size] : parts_)
    for (int64_t i = 0; i < size; ++i) numbers.push_back(Take(on_host ? host : device, dtype));
  return numbers;
}

}  // namespace orbit
