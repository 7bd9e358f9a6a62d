#include "engine/readback.h"

#include <cstring>
#include <utility>

namespace orbit {

Readback::Readback(std::vector<Tensor> values) : values_(std::move(values)) {
  std::vector<DeviceBytes> pieces;
  Device device;
  for (const Tensor& value : values_) {
    Check(value.size() == 1 && (value.dtype() == DType::kF32 || value.dtype() == DType::kF64), "Readback of ",
          value.Describe());
    if (value.device() == Device{}) continue;
    Check(pieces.empty() || value.device() == device, "Readback from ", NameOf(device), " and ",
          NameOf(value.device()));
    device = value.device();
    pieces.push_back({value.raw(), static_cast<size_t>(value.bytes())});
  }
  if (!pieces.empty()) copy_ = BackendOf(device.type).StartCopyToHost(device.index, pieces);
}

std::vector<double> Readback::Get() const {
  const char* at = copy_ ? static_cast<const char*>(copy_->Wait()) : nullptr;
  std::vector<double> numbers;
  for (const Tensor& value : values_) {
    const bool here = value.device() == Device{}, single = value.dtype() == DType::kF32;
    const void* from = here ? value.raw() : at;
    if (!here) at += value.bytes();
    float narrow = 0;
    double wide = 0;
    std::memcpy(single ? static_cast<void*>(&narrow) : &wide, from, value.bytes());
    numbers.push_back(single ? narrow : wide);
  }
  return numbers;
}

}  // namespace orbit
