#include "tools/tables/recorded_run.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "engine/io/atomic_file.h"
#include "tools/experiments/settings.h"
#include "tools/report/metrics.h"

namespace orbit {

namespace fs = std::filesystem;

void RecordRun(const fs::path& run, const fs::path& folder) {
  Config config = ResolveSettings({.preset = "", .file = run / "config.yaml", .assignments = {}});
  const fs::path kept = folder / config.String("run.budget") /
                        (config.String("run.preset") + "-seed" + std::to_string(config.Int("seed")));
  fs::create_directories(kept);
  for (const auto& [key, value] : config.Texts())
    if (IsPlace(key)) config.SetString(key, fs::path(config.String(key)).filename());
  config.SetString("run.directory", "");
  io::WriteFileAtomically(kept / "config.yaml", config.ToYaml());
  const std::vector<MetricsLine> lines = ReadMetrics(run / "metrics.jsonl");
  const auto has = [](const MetricsLine& line, const char* split) {
    return std::any_of(line.metrics.begin(), line.metrics.end(),
                       [&](const auto& metric) { return metric.first.starts_with(split); });
  };
  std::set<int64_t> validated;
  for (const MetricsLine& line : lines)
    if (has(line, "valid/")) validated.insert(line.step);
  fs::remove(kept / "metrics.jsonl");
  MetricsWriter writer(kept / "metrics.jsonl", 0);
  for (const MetricsLine& line : lines)
    if (validated.contains(line.step) || has(line, "test/")) writer.Write(line.step, line.metrics);
}

}  // namespace orbit
