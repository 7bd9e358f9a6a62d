// StopSignal: signals that end a program ask it instead to stop when it suits.
#ifndef ORBIT_TOOLS_COMMON_STOP_SIGNAL_H_
#define ORBIT_TOOLS_COMMON_STOP_SIGNAL_H_

#include <array>
#include <csignal>

namespace orbit {

// While it lives, SIGINT, SIGTERM, SIGHUP, and SIGUSR1 and SIGUSR2, by which schedulers announce the end of a job's
// time, are remembered; a second SIGINT ends the program at once. The others may come more than once, as to the process
// and to its group. A SIGHUP that was ignored before, by nohup, still is. One StopSignal at a time.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  bool requested() const { return signal() != 0; }
  int signal() const;  // 0 if none was received

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
  std::array<struct sigaction, kSignals.size()> before_;  // what was in force
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_COMMON_STOP_SIGNAL_H_
