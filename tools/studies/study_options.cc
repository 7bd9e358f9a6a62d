#include "tools/studies/study_options.h"

#include <filesystem>

#include "tools/experiments/budgets.h"

namespace orbit {

void AddStudyOptions(CLI::App& command, StudyOptions& options) {
  std::vector<std::string> budgets;
  for (const Budget& budget : Budgets()) budgets.emplace_back(budget.name);
  command
      .add_option("--budget", options.budget,
                  "how long is trained: " + CLI::detail::join(budgets, ", ") + ", or a YAML file of such")
      ->capture_default_str();
  command.add_option("--set", options.assignments, "key=value, for any key of the settings; may be repeated")
      ->allow_extra_args(false);
  command.add_option("--output", options.output,
                     "the directory of runs, numbers and figures (default: runs/study-...)");
  AddPrecisionOption(command, options.assignments);
  AddDeviceOptions(command, options.device);
}

std::string StudyDirectory(const std::string& table, const StudyOptions& options) {
  if (!options.output.empty()) return options.output;
  return "runs/study-" + table + "-" + std::filesystem::path(options.budget).stem().string();
}

SettingsSources SettingsOf(const std::string& preset, const StudyOptions& options) {
  SettingsSources sources{.preset = preset, .file = "", .assignments = {}};
  if (!options.budget.empty()) sources = AtBudget(preset, options.budget);
  for (const std::string& assignment : options.assignments) sources.assignments.push_back(assignment);
  return sources;
}

}  // namespace orbit
