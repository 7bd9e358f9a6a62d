// Tables whose rows are trained: which presets they are, what was published, and what runs have measured.
#ifndef ORBIT_TOOLS_TABLES_TRAINED_TABLE_H_
#define ORBIT_TOOLS_TABLES_TRAINED_TABLE_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/experiments/config.h"

namespace orbit {

struct TrainedRow {
  std::string name;
  std::string preset;       // empty: nothing here trains it
  std::string published;    // a number, or empty
  int64_t seeds = 1;        // runs of it, with seeds from 0 on
  std::string metric = "";  // empty: the table's
};

struct TrainedTable {
  std::string name;     // nbody
  std::string caption;  // what the numbers are
  std::string metric;   // of its rows, as runs log it: test/METRIC; empty: each has its own
  std::string unit;     // of the numbers, with a space before it; or empty
  bool is_error;        // drawn on a logarithmic axis
  std::vector<TrainedRow> rows;
};

const std::vector<TrainedTable>& TrainedTables();
const TrainedTable& FindTrainedTable(const std::string& name);  // throws Error, with the nearest name

// The test metrics that a run directory's metrics end with, by their names; none where it is not finished.
std::map<std::string, double> TestMetrics(const std::filesystem::path& run);

// What a run has otherwise than its preset at its budget, of the settings that its results depend on; nothing where the
// budget is not built in. Throws Error where the budget has nothing for the preset.
std::vector<SettingChange> ChangesOfPreset(const Config& config);

// Measured numbers of a table's rows.
class TrainedResults {
 public:
  // Adds the finished runs in a folder, at any depth, that are rows of the table: by the settings run.preset,
  // run.budget and seed that their config.yaml has. Of several with the same three, the last by path counts. A run
  // that cannot be read, and one whose settings are not its preset's at its budget (ChangesOfPreset), is left out with
  // a note. Throws Error for a path that does not exist.
  void AddTree(const TrainedTable& table, const std::filesystem::path& path);

  // The budgets of the runs, sorted; "" is that of runs that were not begun with one.
  std::vector<std::string> Budgets() const;
  // The directories of the runs that count.
  std::vector<std::filesystem::path> Runs() const;
  // Test metrics by the seed; empty where nothing was run, or the metric was not measured.
  std::map<int64_t, double> Find(const std::string& preset, const std::string& budget, const std::string& metric) const;
  // The directory of the run with the least seed.
  std::optional<std::filesystem::path> FirstRun(const std::string& preset, const std::string& budget) const;

 private:
  void AddRun(const TrainedTable& table, const std::filesystem::path& run);

  struct Result {
    std::map<std::string, double> metrics;
    std::filesystem::path run;
  };
  const std::map<int64_t, Result>* Seeds(const std::string& preset, const std::string& budget) const;

  std::map<std::string, std::map<std::string, std::map<int64_t, Result>>> results_;  // budget, preset, seed
};

// A line a row, a column a budget; where a row has several seeds, the mean and the standard deviation. A cell is empty
// where the budget has nothing for the row's preset.
std::string FormatTrainedTable(const TrainedTable& table, const TrainedResults& results, bool markdown);

// The same as a figure, with the rows' validation metrics while they were trained beside it.
void DrawTrainedTable(const TrainedTable& table, const TrainedResults& results, const std::filesystem::path& svg);

}  // namespace orbit

#endif  // ORBIT_TOOLS_TABLES_TRAINED_TABLE_H_
