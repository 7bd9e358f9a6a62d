#include "tools/experiments/budgets.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kernels/error.h"
#include "tools/common/nearest_name.h"
#include "tools/common/path.h"

namespace orbit {
namespace {

std::string ReadBudget(const std::string& name) {
  std::vector<std::string> names;
  for (const Budget& budget : Budgets()) {
    if (budget.name == name) return std::string(budget.yaml);
    names.emplace_back(budget.name);
  }
  const std::filesystem::path path = UserPath(name);
  Check(std::filesystem::is_regular_file(path), "unknown budget '", name, "', which is no file either",
        DidYouMean(name, names));
  std::ifstream stream(path);
  std::ostringstream text;
  Check(stream.good() && (text << stream.rdbuf()), "cannot read the budget ", path.string());
  return text.str();
}

// Nested settings as assignments: {train: {batch: 50}} as train.batch=50.
void Flatten(const YAML::Node& node, const std::string& prefix, std::vector<std::string>& assignments) {
  for (const auto& entry : node) {
    const std::string key = prefix + entry.first.Scalar();
    YAML::Node value = entry.second;
    if (value.IsMap()) {
      Flatten(value, key + ".", assignments);
      continue;
    }
    value.SetStyle(YAML::EmitterStyle::Flow);  // a list in one line
    assignments.push_back(key + "=" + YAML::Dump(value));
  }
}

YAML::Node LoadBudget(const std::string& budget) {
  const YAML::Node root = LoadYaml(ReadBudget(budget), "budget " + budget);
  Check(root.IsMap(), "the budget ", budget, " has no names of tasks");
  return root;
}

Config SettingsOfPreset(const std::string& preset) {
  return ResolveSettings({.preset = preset, .file = "", .assignments = {}});
}

// Whether settings of a budget make the model of a preset another size than its pretrained weights are.
bool ResizesWeights(const Config& preset, const std::vector<std::string>& assignments) {
  return preset.Has("model.weights") && !preset.String("model.weights").empty() &&
         std::any_of(assignments.begin(), assignments.end(), [](const std::string& assignment) {
           return assignment.starts_with("model.transformer.") || assignment.starts_with("model.backbone=");
         });
}

std::vector<std::string> AssignmentsOf(const YAML::Node& settings) {
  std::vector<std::string> assignments;
  Flatten(settings, "", assignments);
  return assignments;
}

}  // namespace

std::string BudgetSettings(const std::string& name, const std::string& budget) {
  const YAML::Node root = LoadBudget(budget);
  Check(static_cast<bool>(root[name]), "the budget ", budget, " has nothing for ", name);
  return YAML::Dump(root[name]);
}

bool HasBudget(const std::string& preset, const std::string& budget) {
  const Config own = SettingsOfPreset(preset);
  const YAML::Node settings = LoadBudget(budget)[own.String("task")];
  return settings && !ResizesWeights(own, AssignmentsOf(settings));
}

SettingsSources AtBudget(const std::string& preset, const std::string& budget) {
  const Config own = SettingsOfPreset(preset);
  SettingsSources sources{.preset = preset,
                          .file = "",
                          .assignments = AssignmentsOf(YAML::Load(BudgetSettings(own.String("task"), budget)))};
  Check(!ResizesWeights(own, sources.assignments), "the budget ", budget,
        " has a model of another size than the weights that ", preset, " begins with");
  for (const char* samples : {"train.samples", "evaluation.samples", "evaluation.test_samples"})
    if (own.Int(samples) == 1)
      std::erase_if(sources.assignments,
                    [&](const std::string& assignment) { return assignment.starts_with(std::string(samples) + "="); });
  sources.assignments.push_back("run.budget=" + std::filesystem::path(budget).stem().string());
  return sources;
}

}  // namespace orbit
