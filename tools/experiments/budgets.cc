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

// Whether settings of a budget make the model of a preset another size than the pretrained weights are that it still
// begins with. These fit any grid, to which positions are interpolated.
bool ResizesWeights(const Config& own, const std::vector<std::string>& assignments) {
  const Config changed = ResolveSettings({.preset = own.String("run.preset"), .file = "", .assignments = assignments});
  if (!own.Has("model.weights") || own.String("model.weights").empty() ||
      changed.String("model.weights") != own.String("model.weights"))
    return false;
  const std::vector<std::string> keys = changed.DifferingKeys(own);
  return std::any_of(keys.begin(), keys.end(), [](const std::string& key) {
    return key == "model.backbone" || (key.starts_with("model.transformer.") && key != "model.transformer.grid");
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
