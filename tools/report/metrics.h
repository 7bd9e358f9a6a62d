// Metrics of a run: one JSON object a line, {"step": 10, "train/loss": 0.5, ...}.
#ifndef ORBIT_TOOLS_REPORT_METRICS_H_
#define ORBIT_TOOLS_REPORT_METRICS_H_

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace orbit {

using Metrics = std::vector<std::pair<std::string, double>>;

struct MetricsLine {
  int64_t step;
  Metrics metrics;
};

// The lines of a file; none where it does not exist. A last line that a killed process left unfinished is left out; any
// other damage throws Error with its line. What is null is NaN.
std::vector<MetricsLine> ReadMetrics(const std::string& path);

// Appends to a file. Lines of steps beyond `last_step` are dropped first: the run is about to go through them again.
class MetricsWriter {
 public:
  MetricsWriter(const std::string& path, int64_t last_step);

  // In the file, should the process be killed, when it returns; throws Error where it could not be written. Values that
  // are not finite become null.
  void Write(int64_t step, const Metrics& metrics);

 private:
  std::string path_;
  std::ofstream file_;
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_REPORT_METRICS_H_
