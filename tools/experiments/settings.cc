#include "tools/experiments/settings.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <sstream>

#include "kernels/error.h"
#include "tools/common/path.h"
#include "tools/experiments/experiment.h"
#include "tools/experiments/presets.h"
#include "tools/experiments/trainer.h"

namespace orbit {
namespace {

struct Document {
  std::string source, yaml;
};

// The scalar under a top-level key, or "".
std::string Peek(const Document& document, const char* key) {
  const YAML::Node root = LoadYaml(document.yaml, document.source);
  return root.IsMap() && root[key] && root[key].IsScalar() ? root[key].Scalar() : "";
}

// Appends the document and then those it extends.
void Collect(const Document& document, std::vector<Document>& documents) {
  documents.push_back(document);
  const std::string base = Peek(document, "extends");
  if (base.empty()) return;
  const Document parent = {"preset " + base, std::string(FindPreset(base).yaml)};
  Check(parent.source != document.source &&
            std::none_of(documents.begin(), documents.end(),
                         [&](const Document& other) { return other.source == parent.source; }),
        document.source, ": extends ", base, ", which extends it in turn");
  Collect(parent, documents);
}

Document ReadDocument(const std::string& file) {
  const std::string path = UserPath(file);
  std::ifstream stream(path);
  std::ostringstream text;
  Check(stream.good() && (text << stream.rdbuf()), "cannot read the config file ", path);
  return {path, text.str()};
}

ConfigSchema MakeSchema(const ExperimentKind& kind) {
  ConfigSchema schema;
  schema.String("task", kind.name, "the experiment");
  schema.String("extends", "", "the preset that the file builds on");
  schema.Int("seed", 0, "of all random numbers but the data's", {.min = 0});
  schema.String("run.directory", "", "where the run is kept; by default runs/NAME-DATE-TIME");
  schema.String("run.preset", "", "the preset that the run was begun with");
  schema.String("run.budget", "", "the budget of the table that this is a row of (study table); none by itself");
  Trainer::AddKeys(schema);
  Experiment::AddKeys(schema);
  kind.add_keys(schema);
  return schema;
}

}  // namespace

void AddPrecisionOption(CLI::App& app, std::vector<std::string>& assignments) {
  app.add_option_function<std::string>(
      "--precision",
      [&assignments](const std::string& precision) { assignments.push_back("train.precision=" + precision); },
      "short for --set train.precision=f32, tf32 or bf16; a run keeps it");
}

Config ResolveSettings(const SettingsSources& sources) {
  std::vector<Document> documents;  // highest priority first
  if (!sources.yaml.empty())
    Collect({sources.file, sources.yaml}, documents);
  else if (!sources.file.empty())
    Collect(ReadDocument(sources.file), documents);
  if (!sources.preset.empty())
    Collect({"preset " + sources.preset, std::string(FindPreset(sources.preset).yaml)}, documents);
  std::string task;
  for (const Document& document : documents)
    if (task.empty()) task = Peek(document, "task");
  Config config(MakeSchema(FindExperimentKind(task.empty() ? ExperimentKinds().front().name : task)));
  std::reverse(documents.begin(), documents.end());
  for (const Document& document : documents) config.MergeYaml(document.yaml, document.source);
  config.Set("extends=''");
  if (!sources.preset.empty()) config.SetString("run.preset", sources.preset);
  for (const std::string& assignment : sources.assignments) config.Set(assignment);
  return config;
}

bool IsPlace(const std::string& key) {
  constexpr std::array kPlaces = {"run.directory", "data.path", "data.splits", "data.split_file", "model.weights"};
  return std::ranges::find(kPlaces, key) != kPlaces.end();
}

bool IsMove(const SettingChange& change) {
  const auto is_empty = [](const std::optional<std::string>& text) { return !text || text->empty() || text == "\"\""; };
  return IsPlace(change.key) && !is_empty(change.was) && !is_empty(change.now);
}

std::vector<SettingChange> ChangedSettings(const Config& was, const Config& now,
                                           const std::function<bool(const std::string& key)>& counts) {
  if (was.String("task") != now.String("task")) return {{"task", was.String("task"), now.String("task")}};
  std::vector<SettingChange> changes = ChangedSettings(was.Texts(), now.Texts());
  std::erase_if(changes, [&](const SettingChange& change) {
    return change.key == "run.directory" || (IsMove(change) && change.key != "model.weights") || !counts(change.key);
  });
  return changes;
}

std::string DescribeKeys(const std::string& task) { return Config(MakeSchema(FindExperimentKind(task))).ToYaml(); }

}  // namespace orbit
