#include "tools/report/metrics.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/io/atomic_file.h"
#include "kernels/error.h"

namespace orbit {
namespace {

std::string ToLine(int64_t step, const Metrics& metrics) {
  nlohmann::ordered_json line = {{"step", step}};
  for (const auto& [name, value] : metrics)
    line[name] = std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
  return line.dump() + "\n";
}

}  // namespace

std::vector<MetricsLine> ReadMetrics(const std::string& path) {
  std::vector<MetricsLine> lines;
  std::ifstream file(path);
  Check(file.good() || !std::filesystem::exists(path), "cannot read ", path, ": ", std::strerror(errno));
  std::string text;
  for (int64_t number = 1; std::getline(file, text); ++number) {
    const auto json = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) {
      if (file.eof()) break;
      Fail(path, ":", number, ": no metrics: ", text.substr(0, 80));
    }
    MetricsLine line{json["step"], {}};
    for (const auto& [name, value] : json.items())
      if (name != "step")
        line.metrics.emplace_back(name,
                                  value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN());
    lines.push_back(std::move(line));
  }
  Check(!file.bad(), "cannot read ", path, ": ", std::strerror(errno));
  return lines;
}

MetricsWriter::MetricsWriter(const std::string& path, int64_t last_step) {
  std::string kept;
  for (const auto& [step, metrics] : ReadMetrics(path))
    if (step <= last_step) kept += ToLine(step, metrics);
  io::WriteFileAtomically(path, kept);
  file_ = std::make_unique<io::AppendedFile>(path);
}

void MetricsWriter::Write(int64_t step, const Metrics& metrics) { file_->Append(ToLine(step, metrics)); }

}  // namespace orbit
