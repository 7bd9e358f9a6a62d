// StopSignal: SIGINT and SIGTERM ask the program to stop when it suits, instead of ending it.
#ifndef ORBIT_TOOLS_COMMON_STOP_SIGNAL_H_
#define ORBIT_TOOLS_COMMON_STOP_SIGNAL_H_

#include <csignal>

namespace orbit {

// While it lives, signals are remembered; a second SIGINT ends the program at once. A second SIGTERM does not: it may
// come once to the process and once to its group. One StopSignal at a time.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  bool requested() const { return signal() != 0; }
  int signal() const;  // 0 where there was none

 private:
  struct sigaction interrupt_, terminate_;  // what was in force before
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_COMMON_STOP_SIGNAL_H_
