#include "tools/report/run_directory.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <utility>

#include "engine/io/atomic_file.h"
#include "engine/io/contents.h"
#include "kernels/error.h"
#include "tools/common/path.h"
#include "tools/report/figure.h"

namespace orbit {
namespace {

// The metric of how long a run has run, in seconds of wall-clock time.
constexpr char kSeconds[] = "seconds";

std::string Now() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof(text), "%Y%m%d-%H%M%S", &local);
  return text;
}

}  // namespace

RunFiles RunFiles::Find(const std::string& path) {
  RunFiles files(UserPath(path));
  Check(std::filesystem::exists(files.config()), files.path().string(), " holds no run: it has no config.yaml");
  return files;
}

std::string RunFiles::chosen() const { return std::filesystem::exists(best()) ? best() : last(); }

RunDirectory RunDirectory::Create(const std::string& path, const std::string& name) {
  const std::string named = UserPath(path.empty() ? "runs/" + name + "-" + Now() : path);
  Check(path.empty() || !std::filesystem::exists(named + "/config.yaml"), named,
        " holds a run already: go on with it by --resume, or choose another run.directory");
  std::string directory = named;
  std::error_code error;
  // Of runs that begin in the same second, each gets a directory of its own.
  for (int i = 2; !std::filesystem::create_directories(directory, error) && !error && path.empty(); ++i)
    directory = named + "-" + std::to_string(i);
  Check(!error, "cannot make the run directory ", directory, ": ", error.message());
  return RunDirectory(directory);
}

RunDirectory RunDirectory::Open(const std::string& path) { return RunDirectory(RunFiles::Find(path).path()); }

RunDirectory::RunDirectory(std::filesystem::path directory)
    : RunFiles(std::move(directory)), lock_(std::make_unique<io::WriterLock>(path().string())) {
  try {
    auto console = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    console->set_pattern("%v");
    auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>((path() / "log.txt").string());
    file->set_pattern("%Y-%m-%d %H:%M:%S %l %v");
    log_ = std::make_shared<spdlog::logger>("run", spdlog::sinks_init_list{console, file});
    log_->flush_on(spdlog::level::info);
  } catch (const spdlog::spdlog_ex& error) {
    Fail("cannot write to the run directory ", path().string(), ": ", error.what());
  }
}

void RunDirectory::WriteConfig(const std::string& yaml, const std::string& asked) const {
  // A process that is killed in between leaves no settings as asked, rather than those of another config.
  const bool is_kept = std::filesystem::exists(this->asked()) && io::ReadContents(this->asked()) == asked;
  if (!is_kept) std::filesystem::remove(this->asked());
  io::WriteFileAtomically(config(), yaml);
  if (!is_kept && !asked.empty()) io::WriteFileAtomically(this->asked(), asked);
}

void RunDirectory::StartAt(int64_t step) {
  metrics_ = std::make_unique<MetricsWriter>(path() / "metrics.jsonl", step);
  events_ = std::make_unique<EventWriter>(path(), step + 1);
  seconds_before_ = 0;
  for (const MetricsLine& line : ReadMetrics(path() / "metrics.jsonl"))
    for (const auto& [name, value] : line.metrics)
      if (name == kSeconds) seconds_before_ = value;
  started_ = std::chrono::steady_clock::now();
}

void RunDirectory::Log(int64_t step, const Metrics& metrics) {
  Check(metrics_ != nullptr, "a run directory logs after StartAt()");
  Metrics timed = metrics;
  timed.emplace_back(
      kSeconds, seconds_before_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count());
  try {
    metrics_->Write(step, timed);
    events_->Write(step, timed);
  } catch (const Error& error) {
    log_->warn("{}; training goes on, and metrics are written once there is room", error.what());
  }
  for (const auto& [name, value] : metrics) latest_[name] = value;
}

std::string RunDirectory::Summary() const {
  std::string summary;
  for (const char* split : {"train", "valid"}) {
    const auto found = latest_.find(std::string(split) + "/loss");
    if (found == latest_.end()) continue;
    char text[48];
    std::snprintf(text, sizeof(text), "%s%s loss %.4g", summary.empty() ? "" : ", ", split, found->second);
    summary += text;
  }
  return summary;
}

void RunDirectory::WriteFigure() {
  std::map<std::string, Series> by_step, by_minute;
  try {
    for (const auto& [step, metrics] : ReadMetrics(path() / "metrics.jsonl")) {
      const auto seconds =
          std::find_if(metrics.begin(), metrics.end(), [](const auto& m) { return m.first == kSeconds; });
      for (const auto& [name, value] : metrics) {
        if (name == kSeconds || name == "train/learning_rate" || name == "train/gradient_norm" ||
            name.starts_with("test/"))
          continue;
        by_step[name].points.emplace_back(step, value);
        if (seconds != metrics.end()) by_minute[name].points.emplace_back(seconds->second / 60, value);
      }
    }
    std::vector<Figure> figures;
    for (auto& [label, curves] : {std::pair("step", &by_step), std::pair("minutes", &by_minute)}) {
      if (curves->empty()) continue;  // the metrics may be of before they were timed
      Figure& figure = figures.emplace_back();
      figure = {.title = path().filename(), .x_label = label, .y_label = "loss", .log_y = true, .series = {}};
      for (auto& [name, curve] : *curves) {
        curve.name = name;
        figure.series.push_back(std::move(curve));
      }
    }
    DrawFigures(figures, path() / "curves.svg");
  } catch (const std::exception& error) {
    log_->warn("{}", error.what());
  }
}

}  // namespace orbit
