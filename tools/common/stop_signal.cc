#include "tools/common/stop_signal.h"

#include <atomic>

namespace orbit {
namespace {

std::atomic<int> received = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not wait");

void Receive(int signal) { received = signal; }

}  // namespace

StopSignal::StopSignal() {
  received = 0;
  struct sigaction action = {};
  action.sa_handler = Receive;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, &terminate_);
  action.sa_flags |= static_cast<int>(SA_RESETHAND);  // the second one acts as ever
  sigaction(SIGINT, &action, &interrupt_);
}

StopSignal::~StopSignal() {
  sigaction(SIGINT, &interrupt_, nullptr);
  sigaction(SIGTERM, &terminate_, nullptr);
}

int StopSignal::signal() const { return received; }

}  // namespace orbit
