// The options that all studies have.
#ifndef ORBIT_TOOLS_STUDIES_STUDY_OPTIONS_H_
#define ORBIT_TOOLS_STUDIES_STUDY_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tools/common/device_options.h"
#include "tools/experiments/settings.h"

namespace orbit {

struct StudyOptions {
  std::string budget;                    // experiments/budgets.h; empty: presets as they are
  std::vector<std::string> assignments;  // of settings, key=value
  std::string output;                    // the directory of the study
  DeviceOptions device;
};

void AddStudyOptions(CLI::App& command, StudyOptions& options);

// The directory of a table's study: the one that was asked for, or runs/study-TABLE-BUDGET.
std::string StudyDirectory(const std::string& table, const StudyOptions& options);

// Those of a preset at the budget, and the assignments.
SettingsSources SettingsOf(const std::string& preset, const StudyOptions& options);

}  // namespace orbit

#endif  // ORBIT_TOOLS_STUDIES_STUDY_OPTIONS_H_
