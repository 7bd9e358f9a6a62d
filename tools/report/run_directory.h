// RunDirectory: the files of a training run.
//
//   config.yaml             the resolved settings, with what was found in the data
//   asked.yaml              the same as they were asked for, before the data were read
//   last.safetensors        the newest checkpoint
//   best.safetensors        that of the smallest validation loss
//   *.optimizer-*           parts of an optimiser's state that ranks have divided, which these two name
//   metrics.jsonl           one JSON object a line; "seconds" is how long the run has run, pauses left out
//   events.out.tfevents.*   the same for TensorBoard
//   curves.svg              the same as a figure
//   log.txt                 what was told
//   writer.lock             who writes all this, or did last
#ifndef ORBIT_TOOLS_REPORT_RUN_DIRECTORY_H_
#define ORBIT_TOOLS_REPORT_RUN_DIRECTORY_H_

#include <spdlog/logger.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "engine/io/writer_lock.h"
#include "tools/report/metrics.h"
#include "tools/report/tensorboard.h"

namespace orbit {

// The files of a run, for those who only read them: beside its writer too.
class RunFiles {
 public:
  // Throws Error where there is no run.
  static RunFiles Find(const std::string& path);

  const std::filesystem::path& path() const { return path_; }
  std::string config() const { return path_ / "config.yaml"; }
  std::string asked() const { return path_ / "asked.yaml"; }
  std::string last() const { return path_ / "last.safetensors"; }
  std::string best() const { return path_ / "best.safetensors"; }
  // The checkpoint that counts: the best, or the last where nothing was validated.
  std::string chosen() const;

 protected:
  explicit RunFiles(std::filesystem::path path) : path_(std::move(path)) {}

 private:
  std::filesystem::path path_;
};

// A run for its one writer.
class RunDirectory : public RunFiles {
 public:
  // A new directory; an empty path means runs/NAME-DATE-TIME. Throws Error where it cannot be written to, or holds a
  // run already.
  static RunDirectory Create(const std::string& path, const std::string& name);
  // One that holds a run. Throws Error where it does not, or where another process writes it, on this host or another
  // (engine/io/writer_lock.h).
  static RunDirectory Open(const std::string& path);

  // The settings, and the same as they were asked for; "": these are not known.
  void WriteConfig(const std::string& yaml, const std::string& asked = {}) const;

  // Opens metrics and events for a run that has done `step` steps, and drops what they hold of later steps. Call it
  // before Log().
  void StartAt(int64_t step);
  // Writes the metrics, and beside them "seconds", the wall-clock time for which the run has run. A file that cannot be
  // written is only reported.
  void Log(int64_t step, const Metrics& metrics);
  // The latest losses for a progress line, such as "train 0.0123, valid 0.0119".
  std::string Summary() const;
  // Draws the metrics. A failure is only logged.
  void WriteFigure();

  // Writes to stderr and log.txt.
  spdlog::logger& log() const { return *log_; }

 private:
  explicit RunDirectory(std::filesystem::path path);

  std::unique_ptr<io::WriterLock> lock_;
  std::shared_ptr<spdlog::logger> log_;
  std::unique_ptr<MetricsWriter> metrics_;
  std::unique_ptr<EventWriter> events_;
  double seconds_before_ = 0;  // of the run, until StartAt()
  std::chrono::steady_clock::time_point started_;
  std::map<std::string, double> latest_;
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_REPORT_RUN_DIRECTORY_H_
