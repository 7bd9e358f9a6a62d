#include "tools/studies/table_study.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "engine/io/atomic_file.h"
#include "engine/io/writer_lock.h"
#include "kernels/error.h"
#include "tools/common/device_options.h"
#include "tools/common/path.h"
#include "tools/common/stop_signal.h"
#include "tools/experiments/budgets.h"
#include "tools/metrics/metric_text.h"
#include "tools/studies/separation_study.h"
#include "tools/studies/study_options.h"
#include "tools/studies/study_run.h"
#include "tools/tables/trained_table.h"

namespace orbit {
namespace {

namespace fs = std::filesystem;

constexpr char kSeparation[] = "separation";

struct Arguments {
  StudyOptions common;
  std::string table;
  std::vector<std::string> rows;  // empty: all
  int64_t seeds = 0;              // 0: the rows' own
};

// A run of a row.
struct Job {
  std::string preset;
  int64_t seed;
  SettingsSources settings;
  fs::path directory;
};

// The budgets that have something for a row of a table, and are built in.
std::vector<std::string> BudgetsOf(const TrainedTable& table) {
  std::vector<std::string> names;
  for (const Budget& budget : Budgets())
    if (std::any_of(table.rows.begin(), table.rows.end(), [&](const TrainedRow& row) {
          return !row.preset.empty() && HasBudget(row.preset, std::string(budget.name));
        }))
      names.emplace_back(budget.name);
  return names;
}

// The runs of the chosen rows, or of all that the budget has something for, with seed 0; then those with further seeds.
// Throws Error for settings that are wrong or not the budget's, where a directory holds a run with others, and where
// there are no runs.
std::vector<Job> Jobs(const Arguments& arguments, const TrainedTable& table, const fs::path& output) {
  for (const std::string& name : arguments.rows)
    Check(std::any_of(table.rows.begin(), table.rows.end(), [&](const TrainedRow& row) { return row.preset == name; }),
          "the table ", table.name, " has no row of preset ", name);
  std::vector<Job> jobs;
  std::set<std::string> seen;  // several rows may be metrics of the same runs
  for (const TrainedRow& row : table.rows) {
    const auto& chosen = arguments.rows;
    if (row.preset.empty() || !seen.insert(row.preset).second) continue;
    if (chosen.empty() ? !HasBudget(row.preset, arguments.common.budget)
                       : !std::count(chosen.begin(), chosen.end(), row.preset))
      continue;
    const int64_t seeds = arguments.seeds > 0 ? arguments.seeds : row.seeds;
    for (int64_t seed = 0; seed < seeds; ++seed) {
      const std::string number = std::to_string(seed);
      SettingsSources settings = SettingsOf(row.preset, arguments.common);
      settings.assignments.push_back("seed=" + number);
      const fs::path directory = output / (row.preset + "-seed" + number);
      const std::vector<SettingChange> changes = ChangesOfPreset(ResolveSettings(settings));
      Check(changes.empty(), "the budget ", arguments.common.budget, " has another ", DescribeChanges(changes),
            "; a budget of one's own is a file: --budget FILE");
      CheckStudyRun(settings, directory);
      jobs.push_back({row.preset, seed, settings, directory});
    }
  }
  Check(!jobs.empty(), "the budget ", arguments.common.budget, " has no row of the table ", table.name,
        "; budgets that have some: ", CLI::detail::join(BudgetsOf(table), ", "));
  std::stable_sort(jobs.begin(), jobs.end(), [](const Job& a, const Job& b) { return a.seed < b.seed; });
  return jobs;
}

// Trains and tests a run, or what is missing of it, until a signal asks to stop.
void Finish(TrainingRun& run, const Job& job, const StopSignal& stop) {
  const std::clock_t before = std::clock();
  if (!TrainUntil(run, stop)) return;
  const std::optional<Metrics> metrics = run.Test([&] { return stop.requested(); });
  if (!metrics) {
    run.directory().log().info("stopped in the test; the same command does it again");
    return;
  }
  const double metric = metrics->at(0).second;
  run.directory().WriteFigure();
  run.directory().log().info("{}, seed {}: test {}, {:.0f} s of processor time", job.preset, job.seed,
                             MetricText(run.experiment().metric(), metric),
                             static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC);
}

// How a job ended: whether it failed, which has been told, and the number of the signal that came meanwhile, or 0.
struct End {
  bool failed = false;
  int signal = 0;
};

// A signal ends the program at once while the run is made, and counts from then on, also where the run fails.
End Attempt(const Job& job, Device device) {
  const auto tell = [&](const std::exception& error) {
    std::fprintf(stderr, "%s, seed %ld, failed: %s\n", job.preset.c_str(), job.seed, error.what());
  };
  try {
    if (!TestMetrics(job.directory).empty()) return {};
    TrainingRun run = MakeStudyRun(job.settings, job.directory, device);
    const StopSignal stop;
    try {
      Finish(run, job, stop);
    } catch (const std::exception& error) {
      tell(error);
      return {.failed = true, .signal = stop.signal()};
    }
    return {.failed = false, .signal = stop.signal()};
  } catch (const std::exception& error) {
    tell(error);
    return {.failed = true};
  }
}

int Study(const Arguments& arguments) {
  if (arguments.table == kSeparation) return StudySeparation(arguments.common);
  const TrainedTable& table = FindTrainedTable(arguments.table);
  const Device device = ApplyDeviceOptions(arguments.common.device);
  const fs::path output = UserPath(StudyDirectory(table.name, arguments.common));
  const std::vector<Job> jobs = Jobs(arguments, table, output);
  MakeStudyDirectory(output);
  const io::WriterLock lock(output);
  size_t failed = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    const Job& job = jobs[i];
    std::fprintf(stderr, "%zu of %zu: %s, seed %ld\n", i + 1, jobs.size(), job.preset.c_str(), job.seed);
    const End end = Attempt(job, device);
    if (end.signal != 0) return 128 + end.signal;
    if (end.failed) ++failed;
  }
  TrainedResults results;
  results.AddTree(table, output);
  io::WriteFileAtomically(output / "table.md", FormatTrainedTable(table, results, /*markdown=*/true));
  DrawTrainedTable(table, results, output / "table.svg");
  std::printf("%s:\n\n%s", table.caption.c_str(), FormatTrainedTable(table, results, /*markdown=*/false).c_str());
  Check(failed == 0, failed, " of ", jobs.size(), " runs failed; the same command tries them again");
  std::printf("the study is in %s\n", output.c_str());
  return 0;
}

}  // namespace

void AddTableStudy(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "table", "runs what a table has no result of, and prints it: published and measured, at a budget");
  const auto arguments = std::make_shared<Arguments>();
  std::vector<std::string> tables = {std::string(kSeparation) + " (paper, small)"};
  for (const TrainedTable& table : TrainedTables())
    if (const std::vector<std::string> budgets = BudgetsOf(table); !budgets.empty())
      tables.push_back(table.name + " (" + CLI::detail::join(budgets, ", ") + ")");
  command
      ->add_option("table", arguments->table,
                   "one of " + CLI::detail::join(tables, ", ") + "; in parentheses: their budgets")
      ->required();
  command->add_option("--rows", arguments->rows, "presets of the rows that are trained (default: all)")->delimiter(',');
  command->add_option("--seeds", arguments->seeds, "runs of every row (default: the rows' own numbers)")
      ->check(CLI::Range(int64_t{1}, int64_t{1000}));
  arguments->common.budget = "small";
  AddStudyOptions(*command, arguments->common);
  command->callback([arguments, &status] { status = Study(*arguments); });
}

}  // namespace orbit
