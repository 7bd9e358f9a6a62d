#include "engine/uploads.h"

#include <utility>

#include "engine/capture.h"

namespace orbit {

Uploads::Uploads(Device device) : device_(device), queue_(BackendOf(device.type).MakeSideQueue(device.index)) {}

Uploads::~Uploads() {
  try {
    if (const std::shared_ptr<Mark> all = Record()) all->HoldKernels();
  } catch (...) {  // the device has failed, and runs nothing more
  }
}

Tensor Uploads::Copy(const Tensor& host) {
  if (!host.defined() || host.device() == device_) return host;
  Check(host.device() == Device{}, "an upload of ", host.Describe());
  if (!queue_) return host.To(device_);
  CheckNotCapturing(device_, "an upload");
  const Tensor there = Tensor::Empty(host.shape(), host.dtype(), device_);
  if (there.size() == 0) return there;
  queue_->AfterKernels();  // those that use what the memory held before
  copying_.push_back(there);
  queue_->CopyFromHost(there.raw(), host.raw(), static_cast<size_t>(host.bytes()));
  return there;
}

std::shared_ptr<Mark> Uploads::Record() {
  if (!queue_) return nullptr;
  while (!recorded_.empty() && recorded_.front().done->Reached()) recorded_.pop_front();
  recorded_.push_back({queue_->Record(), std::exchange(copying_, {})});
  return recorded_.back().done;
}

}  // namespace orbit
