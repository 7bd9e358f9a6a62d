// Progress of long work: how far, how fast, how much longer.
#ifndef ORBIT_TOOLS_REPORT_PROGRESS_H_
#define ORBIT_TOOLS_REPORT_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace orbit {

std::string FormatDuration(double seconds);  // "7 s", "3 min 20 s", "2 h 05 min", "3 d 4 h"

// On stderr: a line that is redrawn in place on a terminal, else a line every ten seconds. Update() is cheap enough to
// be called at every step.
class Progress {
 public:
  // `total` units of work, of which the first `done` are not this process's own.
  Progress(std::string what, int64_t total, int64_t done = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `detail` follows: losses, say. A line is formatted only to be shown.
  void Update(int64_t done, const std::string& detail = "");
  // Ends the line, with what was last known. Also at destruction. Nothing is shown of work that took under a second.
  void Finish();

 private:
  using Clock = std::chrono::steady_clock;
  void Show();

  std::string what_;
  int64_t total_, first_, done_;
  std::string detail_;
  bool terminal_;
  bool shown_ = false, finished_ = false;
  Clock::time_point start_, last_;
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_REPORT_PROGRESS_H_
