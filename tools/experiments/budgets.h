// Budgets: how long is trained. YAML files in tools/experiments/budgets, built into the programs; each has, by the
// names of tasks, the settings that take the place of the presets'.
#ifndef ORBIT_TOOLS_EXPERIMENTS_BUDGETS_H_
#define ORBIT_TOOLS_EXPERIMENTS_BUDGETS_H_

#include <string>
#include <string_view>
#include <vector>

#include "tools/experiments/settings.h"

namespace orbit {

struct Budget {
  std::string_view name;  // file name without .yaml
  std::string_view yaml;
};

const std::vector<Budget>& Budgets();

// What a budget, one of Budgets() or the path of such a file, has under a name, in YAML. Throws Error for an unknown
// budget, with the nearest name, and for one that does not have the name.
std::string BudgetSettings(const std::string& name, const std::string& budget);

// A preset at a budget, by the name of its task; the budget is named in the setting run.budget. Where a preset takes
// one group element an example, so it does at any budget. Throws Error where BudgetSettings does, and for a preset that
// begins with pretrained weights, which fit one size of model, at a budget that changes the model's size.
SettingsSources AtBudget(const std::string& preset, const std::string& budget);

// Whether a budget has something for a preset, so that AtBudget does not throw. Throws Error for an unknown budget
// and for wrong settings in it.
bool HasBudget(const std::string& preset, const std::string& budget);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_BUDGETS_H_
