#include "engine/bf16_copy.h"

#include "engine/capture.h"

namespace orbit {

BF16Copy::Stamp BF16Copy::StampOf(const Tensor& value) {
  return {.shape = value.shape(), .version = value.version(), .launches = LaunchCount(value.device())};
}

void BF16Copy::Refresh(const Tensor& value) {
  const std::lock_guard lock(mutex_);
  if (stamp_ == StampOf(value)) return;
  if (!copy_.defined() || copy_.shape() != value.shape() || copy_.device() != value.device())
    copy_ = Tensor::Empty(value.shape(), DType::kBF16, value.device());
  copy_.ConvertFrom(value);
  stamp_ = StampOf(value);
}

// The copy, which is brought up to date before each launch of the work that is being captured; undefined where the work
// changes the value first.
Tensor BF16Copy::ForCapture(const Tensor& value) {
  if (stamp_ != StampOf(value)) return {};
  BeforeLaunch(value.device(), [self = shared_from_this(), value] { self->Refresh(value); });
  return copy_;
}

Tensor BF16Copy::Of(const Tensor& value) {
  const std::lock_guard lock(mutex_);
  if (IsCapturing(value.device())) {
    const Tensor copy = ForCapture(value);
    return copy.defined() ? copy : value.To(DType::kBF16);
  }
  Refresh(value);
  return copy_;
}

Tensor BF16Copy::ToUpdate(const Tensor& value) {
  const std::lock_guard lock(mutex_);
  if (IsCapturing(value.device())) return ForCapture(value);
  return stamp_ == StampOf(value) ? copy_ : Tensor();
}

void BF16Copy::Updated(const Tensor& value) {
  const auto is_last = std::make_shared<bool>(true);  // of the changes that captured work makes
  if (IsCapturing(value.device()))
    AfterCapture(value.device(), [=, version = value.version()] { *is_last = value.version() == version; });
  OnLaunch(value.device(), [=, self = shared_from_this()] {
    const std::lock_guard lock(self->mutex_);
    if (*is_last) self->stamp_ = StampOf(value);
  });
}

}  // namespace orbit
