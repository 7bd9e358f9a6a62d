// Progress of long work: the share done, the speed and the remaining time.
#ifndef ORBIT_TOOLS_REPORT_PROGRESS_H_
#define ORBIT_TOOLS_REPORT_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace orbit {

std::string FormatDuration(double seconds);  // "7 s", "3 min 20 s", "2 h 05 min", "3 d 4 h"

// Shows progress on stderr: a line that is redrawn in place on a terminal, otherwise a line every ten seconds. Update()
// is cheap enough to be called at every step.
class Progress {
 public:
  // `total` units of work; the first `done` were done by earlier processes.
  Progress(std::string what, int64_t total, int64_t done = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `detail`, for example losses, is shown after the progress. Text is formatted only when it is shown.
  void Update(int64_t done, const std::string& detail = "");
  // Shows the last state and ends the line; the destructor does so, too. Work that took less than a second shows
  // nothing.
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
