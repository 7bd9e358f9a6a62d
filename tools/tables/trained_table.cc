#include "tools/tables/trained_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string_view>
#include <utility>

#include "data/io/note.h"
#include "kernels/error.h"
#include "tools/common/nearest_name.h"
#include "tools/experiments/budgets.h"
#include "tools/experiments/settings.h"
#include "tools/report/figure.h"
#include "tools/report/metrics.h"
#include "tools/tables/text_table.h"

namespace orbit {
namespace {

namespace fs = std::filesystem;

struct Statistics {
  double mean = 0, deviation = 0;
};

Statistics Summarise(const std::map<int64_t, double>& numbers) {
  Statistics statistics;
  const auto count = static_cast<double>(numbers.size());
  for (const auto& [seed, number] : numbers) statistics.mean += number / count;
  for (const auto& [seed, number] : numbers) statistics.deviation += std::pow(number - statistics.mean, 2);
  statistics.deviation = numbers.size() > 1 ? std::sqrt(statistics.deviation / (count - 1)) : 0;
  return statistics;
}

std::string Format(const char* format, double number) {
  char text[48];
  std::snprintf(text, sizeof(text), format, number);
  return text;
}

std::string Cell(const std::map<int64_t, double>& numbers, const std::string& unit) {
  const auto [mean, deviation] = Summarise(numbers);
  if (numbers.size() == 1) return Format("%.3g", mean) + unit;
  return Format("%.3g", mean) + " ± " + Format("%.1g", deviation) + unit + " (" + std::to_string(numbers.size()) +
         " seeds)";
}

// The columns after the published one: the budgets of the runs, or one where there are none.
std::vector<std::string> Columns(const TrainedResults& results) {
  const std::vector<std::string> budgets = results.Budgets();
  return budgets.empty() ? std::vector<std::string>{""} : budgets;
}

std::string ColumnName(const std::string& budget) { return budget.empty() ? "measured" : "budget " + budget; }

const std::string& MetricOf(const TrainedTable& table, const TrainedRow& row) {
  return row.metric.empty() ? table.metric : row.metric;
}

// The metric on the validation split against the steps.
std::vector<std::pair<double, double>> ValidationCurve(const fs::path& run, const std::string& metric) {
  std::vector<std::pair<double, double>> points;
  for (const MetricsLine& line : ReadMetrics(run / "metrics.jsonl"))
    for (const auto& [name, value] : line.metrics)
      if (name == "valid/" + metric) points.emplace_back(line.step, value);
  return points;
}

// Settings that say how a step is divided, not what it computes.
constexpr std::array kDivisionKeys = {"train.accumulate", "train.shard", "train.shard_optimizer"};

bool IsBuiltIn(const std::string& budget) {
  return std::ranges::any_of(Budgets(), [&](const Budget& known) { return known.name == budget; });
}

}  // namespace

std::vector<SettingChange> ChangesOfPreset(const Config& config) {
  const std::string& preset = config.String("run.preset");
  const std::string& budget = config.String("run.budget");
  if (!budget.empty() && !IsBuiltIn(budget)) return {};
  const Config due = ResolveSettings(budget.empty() ? SettingsSources{.preset = preset, .file = "", .assignments = {}}
                                                    : AtBudget(preset, budget));
  std::vector<SettingChange> changes = ChangedSettings(due, config, [](const std::string& key) {
    const bool is_data = IsPlace(key) && key.starts_with("data.");  // which a preset may leave to be named
    return key != "seed" && !is_data && !key.starts_with("run.") && !key.starts_with("log.") &&
           std::ranges::find(kDivisionKeys, key) == kDivisionKeys.end();
  });
  std::erase_if(changes, IsMove);  // weights, which a preset names by the file that is published
  return changes;
}

const TrainedTable& FindTrainedTable(const std::string& name) {
  std::vector<std::string> names;
  for (const TrainedTable& table : TrainedTables()) {
    if (table.name == name) return table;
    names.push_back(table.name);
  }
  Fail("unknown table '", name, "'", DidYouMean(name, names), "; --help lists them");
}

std::map<std::string, double> TestMetrics(const fs::path& run) {
  constexpr std::string_view kTest = "test/";
  std::map<std::string, double> metrics;
  int64_t tested = 0;  // the step of the last test
  for (const MetricsLine& line : ReadMetrics(run / "metrics.jsonl")) {
    if (line.step > tested) metrics.clear();  // the run went on
    for (const auto& [name, value] : line.metrics) {
      if (!name.starts_with(kTest)) continue;
      metrics[name.substr(kTest.size())] = value;
      tested = line.step;
    }
  }
  return metrics;
}

void TrainedResults::AddTree(const TrainedTable& table, const fs::path& path) {
  Check(fs::exists(path), "there is no ", path.string());
  std::vector<fs::path> runs = {path};
  if (fs::is_directory(path))
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_directory()) runs.push_back(entry.path());
  std::sort(runs.begin(), runs.end());
  for (const fs::path& run : runs) {
    if (!fs::exists(run / "config.yaml") || !fs::exists(run / "metrics.jsonl")) continue;
    try {
      AddRun(table, run);
    } catch (const Error& error) {
      PrintNote(run.string() + " is left out: " + error.what());
    }
  }
}

void TrainedResults::AddRun(const TrainedTable& table, const fs::path& run) {
  std::map<std::string, double> metrics = TestMetrics(run);
  if (metrics.empty()) return;
  const Config config = ResolveSettings({.preset = "", .file = run / "config.yaml", .assignments = {}});
  const std::string& preset = config.String("run.preset");
  if (preset.empty() ||
      std::none_of(table.rows.begin(), table.rows.end(), [&](const TrainedRow& row) { return row.preset == preset; }))
    return;
  const std::string& budget = config.String("run.budget");
  const std::vector<SettingChange> changes = ChangesOfPreset(config);
  Check(changes.empty(), "its settings are not those of the preset ", preset,
        budget.empty() ? "" : " at the budget " + budget, ": ", DescribeChanges(changes));
  results_[budget][preset][config.Int("seed")] = {std::move(metrics), run};
}

std::vector<std::string> TrainedResults::Budgets() const {
  std::vector<std::string> budgets;
  for (const auto& [budget, presets] : results_) budgets.push_back(budget);
  return budgets;
}

std::vector<fs::path> TrainedResults::Runs() const {
  std::vector<fs::path> runs;
  for (const auto& [budget, presets] : results_)
    for (const auto& [preset, seeds] : presets)
      for (const auto& [seed, result] : seeds) runs.push_back(result.run);
  return runs;
}

const std::map<int64_t, TrainedResults::Result>* TrainedResults::Seeds(const std::string& preset,
                                                                       const std::string& budget) const {
  const auto presets = results_.find(budget);
  if (presets == results_.end()) return nullptr;
  const auto seeds = presets->second.find(preset);
  return seeds == presets->second.end() ? nullptr : &seeds->second;
}

std::map<int64_t, double> TrainedResults::Find(const std::string& preset, const std::string& budget,
                                               const std::string& metric) const {
  std::map<int64_t, double> numbers;
  if (const std::map<int64_t, Result>* seeds = Seeds(preset, budget))
    for (const auto& [seed, result] : *seeds)
      if (const auto found = result.metrics.find(metric); found != result.metrics.end()) numbers[seed] = found->second;
  return numbers;
}

std::optional<fs::path> TrainedResults::FirstRun(const std::string& preset, const std::string& budget) const {
  const std::map<int64_t, Result>* seeds = Seeds(preset, budget);
  if (seeds == nullptr) return {};
  return seeds->begin()->second.run;
}

std::string FormatTrainedTable(const TrainedTable& table, const TrainedResults& results, bool markdown) {
  std::vector<TableLine> lines = {{"", "published"}};
  for (const std::string& budget : Columns(results)) lines[0].push_back(ColumnName(budget));
  for (const TrainedRow& row : table.rows) {
    lines.push_back({row.name, row.published.empty() ? "" : row.published + table.unit});
    for (const std::string& budget : Columns(results)) {
      const std::map<int64_t, double> numbers = results.Find(row.preset, budget, MetricOf(table, row));
      const bool can_run = !row.preset.empty() && (!IsBuiltIn(budget) || HasBudget(row.preset, budget));
      lines.back().push_back(!numbers.empty() ? Cell(numbers, table.unit) : can_run ? "not run" : "");
    }
  }
  return FormatTable(lines, markdown);
}

void DrawTrainedTable(const TrainedTable& table, const TrainedResults& results, const fs::path& svg) {
  Figure numbers{.title = table.caption,
                 .x_label = table.metric,
                 .y_label = "",
                 .log_x = table.is_error,
                 .series = {{.name = "published", .points = {}}}};
  Figure curves{.title = "in validation, while they are trained",
                .x_label = "step",
                .y_label = table.metric,
                .log_y = table.is_error,
                .series = {}};
  const std::vector<std::string> budgets = results.Budgets();
  std::vector<TrainedRow> rows;  // those with a number
  std::copy_if(table.rows.begin(), table.rows.end(), std::back_inserter(rows), [&](const TrainedRow& row) {
    return !row.published.empty() || std::any_of(budgets.begin(), budgets.end(), [&](const std::string& budget) {
      return !results.Find(row.preset, budget, MetricOf(table, row)).empty();
    });
  });
  for (size_t i = 0; i < rows.size(); ++i) {
    numbers.row_names.push_back(rows[i].name);
    if (!rows[i].published.empty())
      numbers.series[0].points.emplace_back(std::strtod(rows[i].published.c_str(), nullptr), i);
  }
  for (const std::string& budget : budgets) {
    Series& series = numbers.series.emplace_back();
    series.name = ColumnName(budget);
    for (size_t i = 0; i < rows.size(); ++i) {
      const TrainedRow& row = rows[i];
      for (const auto& [seed, number] : results.Find(row.preset, budget, MetricOf(table, row)))
        series.points.emplace_back(number, i);
      if (const std::optional<fs::path> run = results.FirstRun(row.preset, budget))
        curves.series.push_back({.name = row.name + (budgets.size() > 1 ? ", " + ColumnName(budget) : ""),
                                 .points = ValidationCurve(*run, MetricOf(table, row))});
    }
  }
  std::erase_if(curves.series, [](const Series& series) { return series.points.empty(); });
  std::vector<Figure> figures = {numbers};
  if (!curves.series.empty()) figures.push_back(curves);
  DrawFiguresOrWarn(figures, svg);
}

}  // namespace orbit
