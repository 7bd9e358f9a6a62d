#include "engine/capture.h"

#include <array>
#include <atomic>
#include <exception>
#include <utility>

#include "engine/caching_allocator.h"
#include "engine/profiling.h"
#include "kernels/error.h"

namespace orbit {
namespace {

// The work that the device is being captured into, or null.
std::atomic<CapturedWork*>& CapturingOn(Device device) {
  static std::array<std::array<std::atomic<CapturedWork*>, kMostDevices>, 3> capturing{};
  return capturing[static_cast<size_t>(device.type)][device.index];
}

CapturedWork& WorkCapturedOn(Device device) {
  CapturedWork* work = CapturingOn(device);
  Check(work != nullptr, NameOf(device), " is not being captured");
  return *work;
}

std::atomic<int64_t>& LaunchesOn(Device device) {
  static std::array<std::array<std::atomic<int64_t>, kMostDevices>, 3> launches{};
  return launches[static_cast<size_t>(device.type)][device.index];
}

}  // namespace

bool CanCapture(Device device) { return BackendOf(device.type).captures(); }

bool IsCapturing(Device device) { return CapturingOn(device) != nullptr; }

int64_t LaunchCount(Device device) { return LaunchesOn(device); }

void CheckNotCapturing(Device device, const char* what) {
  if (!IsCapturing(device)) return;
  const std::string where = ProfileRange::Current();
  Fail(what, where.empty() ? "" : " in ", where, ": captured work on ", NameOf(device),
       " stays on the device; what it needs of the host must be there before it is launched");
}

CapturedWork::CapturedWork(Device device, const std::function<void()>& work) : device_(device) {
  Check(CanCapture(device), "work on ", NameOf(device), " cannot be captured");
  CheckNotCapturing(device, "a capture");
  Backend& backend = BackendOf(device.type);
  CachingAllocator& allocator = AllocatorOf(device);
  backend.BeginCapture(device.index);
  memory_ = allocator.BeginPool();
  CapturingOn(device) = this;
  std::exception_ptr error;
  try {
    work();
  } catch (...) {
    error = std::current_exception();
  }
  CapturingOn(device) = nullptr;
  allocator.EndPool();
  try {
    recorded_ = backend.EndCapture(device.index);
  } catch (...) {
    if (!error) error = std::current_exception();  // the first error says more
  }
  if (error) std::rethrow_exception(error);
  for (const auto& then : after_capture_) then();
}

CapturedWork::~CapturedWork() = default;

void CapturedWork::Launch() {
  CheckNotCapturing(device_, "a launch of captured work");
  for (const auto& prepare : before_launch_) prepare();
  recorded_->Launch();
  ++LaunchesOn(device_);
  for (const auto& effect : on_launch_) effect();
}

int64_t CapturedWork::size() const { return recorded_->size(); }

void AfterCapture(Device device, std::function<void()> then) {
  WorkCapturedOn(device).after_capture_.push_back(std::move(then));
}

void BeforeLaunch(Device device, std::function<void()> prepare) {
  WorkCapturedOn(device).before_launch_.push_back(std::move(prepare));
}

void OnLaunch(Device device, std::function<void()> effect) {
  if (CapturedWork* work = CapturingOn(device))
    work->on_launch_.push_back(std::move(effect));
  else
    effect();
}

}  // namespace orbit
