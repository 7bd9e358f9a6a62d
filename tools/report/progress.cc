#include "tools/report/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <utility>

namespace orbit {
namespace {

constexpr double kTerminalSeconds = 0.2, kLogSeconds = 10, kFirstSeconds = 1;

// Three significant digits, or all digits before the decimal point.
std::string FormatRate(double rate) {
  char text[40];
  std::snprintf(text, sizeof(text), rate < 1000 ? "%.3g" : "%.0f", rate);
  return text;
}

size_t TerminalWidth() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

}  // namespace

std::string FormatDuration(double seconds) {
  if (!(seconds < 1e9)) return "?";
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  char text[40];
  if (whole < 60)
    std::snprintf(text, sizeof(text), "%ld s", whole);
  else if (whole < 3600)
    std::snprintf(text, sizeof(text), "%ld min %02ld s", whole / 60, whole % 60);
  else if (whole < 86400)
    std::snprintf(text, sizeof(text), "%ld h %02ld min", whole / 3600, whole / 60 % 60);
  else
    std::snprintf(text, sizeof(text), "%ld d %ld h", whole / 86400, whole / 3600 % 24);
  return text;
}

Progress::Progress(std::string what, int64_t total, int64_t done)
    : what_(std::move(what)),
      total_(total),
      first_(done),
      done_(done),
      terminal_(isatty(STDERR_FILENO) != 0),
      start_(Clock::now()),
      last_(start_) {}

Progress::~Progress() { Finish(); }

void Progress::Update(int64_t done, const std::string& detail) {
  done_ = done;
  detail_ = detail;
  const Clock::time_point now = Clock::now();
  const double wait = !shown_ ? kFirstSeconds : terminal_ ? kTerminalSeconds : kLogSeconds;
  if (std::chrono::duration<double>(now - last_).count() < wait) return;
  last_ = now;
  Show();
}

void Progress::Finish() {
  if (finished_) return;
  finished_ = true;
  if (!shown_) return;
  Show();
  if (terminal_) std::fputc('\n', stderr);
}

void Progress::Show() {
  shown_ = true;
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = static_cast<double>(done_ - first_) / seconds;
  const double share = total_ > 0 ? static_cast<double>(done_) / static_cast<double>(total_) : 1;
  char text[160];
  std::snprintf(text, sizeof(text), " %ld/%ld (%.0f %%), %s/s, %s left%s", done_, total_, 100 * share,
                FormatRate(rate).c_str(), FormatDuration(static_cast<double>(total_ - done_) / rate).c_str(),
                detail_.empty() ? "" : ", ");
  std::string line = what_ + text + detail_;
  if (terminal_)
    line = "\r\033[K" + line.substr(0, TerminalWidth() - 1);  // a line that wraps could not be redrawn
  else
    line += '\n';
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace orbit
