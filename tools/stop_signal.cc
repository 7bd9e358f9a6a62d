#include "tools/stop_signal.h"

namespace orbit {
namespace {

volatile std::sig_atomic_t received = 0;

void Receive(int signal) { received = signal; }

}  // namespace

StopSignal::StopSignal() {
  received = 0;
  struct sigaction action = {};
  action.sa_handler = Receive;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);  // the second one acts as ever
  sigaction(SIGINT, &action, &interrupt_);
  sigaction(SIGTERM, &action, &terminate_);
}

StopSignal::~StopSignal() {
  sigaction(SIGINT, &interrupt_, nullptr);
  sigaction(SIGTERM, &terminate_, nullptr);
}

int StopSignal::signal() const { return received; }

}  // namespace orbit
