// Metrics of a run: one JSON object per line, such as {"step": 10, "train/loss": 0.5, ...}.
#ifndef ORBIT_TOOLS_REPORT_METRICS_H_
#define ORBIT_TOOLS_REPORT_METRICS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/appended_file.h"

namespace orbit {

using Metrics = std::vector<std::pair<std::string, double>>;

struct MetricsLine {
  int64_t step;
  Metrics metrics;
};

// Reads the lines of a file; none if it does not exist. Ignores a last line that a killed process left unfinished;
// other damage throws Error with the line. null becomes NaN.
std::vector<MetricsLine> ReadMetrics(const std::string& path);

// Appends to a file. First drops lines of steps after `last_step`, because the run will repeat these steps.
class MetricsWriter {
 public:
  MetricsWriter(const std::string& path, int64_t last_step);

  // When it returns, the line is in the file even if the process is killed. Throws Error if it cannot be written; the
  // next call then writes it too. Values that are not finite become null.
  void Write(int64_t step, const Metrics& metrics);

 private:
  std::unique_ptr<io::AppendedFile> file_;
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_REPORT_METRICS_H_
