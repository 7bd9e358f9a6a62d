#include "tools/experiments/molecules.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "data/io/csv.h"
#include "data/io/note.h"
#include "data/io/text_lines.h"
#include "data/molecules/molecule_splits.h"
#include "tools/common/path.h"
#include "tools/experiments/graph_image_experiment.h"
#include "tools/experiments/molecule_experiment.h"

namespace orbit {
namespace {

constexpr size_t kNotedMolecules = 10;
constexpr double kMostDeviations = 1e5;  // of a regression's targets from zero to their mean
constexpr int64_t kLargeMolecule = 200;  // atoms
constexpr int64_t kTimesOfMost = 4;      // the atoms that 99% of the molecules have at most

void AddKeys(ConfigSchema& schema) {
  AddGraphImageKeys(schema);
  schema.String("data.path", "", "a table of molecules: CSV or CSV.gz, with a line of names and any delimiter");
  schema.String("data.smiles", "smiles", "the column of SMILES");
  schema.StringList("data.targets", {}, "the columns of what is predicted");
  schema.String("data.task", "auto", "what they are; auto: as their values tell",
                {"auto", "classification", "multi_label", "regression"});
  schema.String("data.bad_smiles", "skip", "molecules that cannot be used are left out and listed, or end the program",
                {"skip", "fail"});
  schema.String("data.split", "random", "how molecules are split: at random, by scaffold, by a column, by a file",
                {"random", "scaffold", "column", "file"});
  schema.Double("data.valid", 0.1, "share to validate on, of random and scaffold", {.min = 0, .max = 1});
  schema.Double("data.test", 0.1, "share to test on, of random and scaffold", {.min = 0, .max = 1});
  schema.Int("data.seed", 0, "of random splits", {.min = 0});
  schema.String("data.split_column", "split", "of train, valid and test");
  schema.String("data.split_file", "",
                "a pickle of arrays train, val and test with the numbers of molecules in the table, from 0");
  schema.Int("data.nodes", 0, "the most atoms that a molecule may have; 0: as found", {.min = 0});
  schema.StringList("data.classes", {}, "in the order of the predictions; []: as found");
  schema.StringList("data.atoms", {}, "the values of each feature of atoms that are known; []: those trained on");
  schema.StringList("data.bonds", {}, "the same of bonds");
  schema.DoubleList("data.means", {}, "of a regression's targets; []: those trained on");
  schema.DoubleList("data.deviations", {}, "of a regression's targets; []: those trained on", {.min = 0});
}

std::vector<int64_t>& Of(Split split, SplitNumbers& splits) { return splits[static_cast<size_t>(split)]; }

std::string PlaceOf(const MoleculeData& data, int64_t number) {
  return data.path + ":" + std::to_string(data.lines[number]);
}

// The form of the targets; what was found is kept with the run.
MoleculeTargets FormOf(const std::string& path, Config& config) {
  const std::vector<std::string>& columns = config.StringList("data.targets");
  if (columns.empty()) {
    const CsvReader table(path);
    std::string names;
    for (const std::string& name : table.columns()) names += (names.empty() ? "'" : ", '") + name + "'";
    Fail("data.targets has to name the columns of what is predicted; the columns of ", path, " are ", names);
  }
  const std::string task = config.String("data.task");
  const std::vector<std::string>& classes = config.StringList("data.classes");
  if (!classes.empty()) {
    Check(task == "auto" || task == NameOf(MoleculeTask::kClassification), "data.classes has ", classes.size(),
          " classes, but data.task is ", task);
    Check(columns.size() == 1, "classes come in one column; data.targets has ", columns.size());
    const std::set<std::string> distinct(classes.begin(), classes.end());
    Check(distinct.size() == classes.size() && classes.size() >= 2, "data.classes has ", classes.size(), " names, ",
          distinct.size(), " of them different; two or more different ones are needed");
    config.SetString("data.task", NameOf(MoleculeTask::kClassification));
    return {MoleculeTask::kClassification, columns, classes};
  }
  const auto given = task == "auto" ? std::nullopt : std::optional(ParseMoleculeTask(task));
  if (given && *given != MoleculeTask::kClassification) return {*given, columns, {}};
  MoleculeTargets form = FindTargets(path, columns, given);
  config.SetString("data.task", NameOf(form.task));
  config.SetStringList("data.classes", form.classes);
  return form;
}

// Says which molecule makes the model much larger than nearly all others need.
void NoteOutlier(const MoleculeData& data, const std::vector<int64_t>& sizes) {
  const auto largest = std::max_element(sizes.begin(), sizes.end());
  std::vector<int64_t> sorted = sizes;
  std::sort(sorted.begin(), sorted.end());
  const int64_t most = sorted[(sorted.size() - 1) * 99 / 100];
  if (*largest <= std::max(kLargeMolecule, kTimesOfMost * most)) return;
  PrintNote(PlaceOf(data, largest - sizes.begin()) + ": the largest molecule has " + std::to_string(*largest) +
            " atoms, for which every graph gets room, and 99% have " + std::to_string(most) +
            " at most; data.nodes=" + std::to_string(std::max<int64_t>(most, 1)) + " leaves it out");
}

// Finds what cannot be used, lists it, and decides how many atoms there is room for.
void LeaveOut(Config& config, bool is_new, MoleculeData& data) {
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < data.graphs.size(); ++i) sizes.push_back(data.graphs.n(i));
  const int64_t largest = *std::max_element(sizes.begin(), sizes.end());
  if (!is_new && config.Int("data.nodes") == 0) {
    config.Set("data.nodes=" + std::to_string(std::max<int64_t>(1, largest)));
    NoteOutlier(data, sizes);
  }
  data.n = config.Int("data.nodes");
  for (int64_t i = 0; i < data.graphs.size(); ++i) {
    if (sizes[i] > 0 && sizes[i] <= data.n) continue;
    const std::string reason =
        sizes[i] == 0 ? WhyNoMolecule(data.smiles[i])
                      : std::to_string(sizes[i]) + " atoms, more than data.nodes = " + std::to_string(data.n);
    if (config.String("data.bad_smiles") == "fail") Fail(PlaceOf(data, i), ": ", reason);
    data.left_out.push_back({i, reason});
  }
  const size_t count = data.left_out.size();
  Check(count < static_cast<size_t>(data.graphs.size()), data.path, " has no molecule that can be used; ",
        PlaceOf(data, 0), ": ", data.left_out.empty() ? "" : data.left_out[0].reason);
  if (count == 0) return;
  PrintNote(data.path + ": " + std::to_string(count) + " of " + std::to_string(data.graphs.size()) +
            " molecules cannot be used and are left out" + (count > kNotedMolecules ? "; the first of them:" : ":"));
  for (size_t i = 0; i < std::min(count, kNotedMolecules); ++i)
    PrintNote("  " + PlaceOf(data, data.left_out[i].number) + ": " + data.left_out[i].reason);
}

// Those that can be used and, where they are to be trained on, have some target.
std::vector<int64_t> UsableNumbers(const MoleculeData& data, bool is_new) {
  const size_t columns = data.form.columns.size();
  std::vector<int64_t> usable;
  auto left_out = data.left_out.begin();
  for (int64_t i = 0; i < data.graphs.size(); ++i) {
    if (left_out != data.left_out.end() && left_out->number == i) {
      ++left_out;
      continue;
    }
    bool is_known = is_new;
    for (size_t c = 0; c < columns && !is_known; ++c) is_known = !std::isnan(data.targets[i * columns + c]);
    if (is_known) usable.push_back(i);
  }
  return usable;
}

SplitNumbers SplitsOf(const Config& config, const std::vector<int64_t>& usable, const MoleculeData& data,
                      const std::optional<SplitNumbers>& by_column, const ShareDone& progress) {
  const std::string how = config.String("data.split");
  const double valid = config.Double("data.valid"), test = config.Double("data.test");
  if (how == "scaffold") return ScaffoldSplits(data.smiles, usable, valid, test, progress);
  SplitNumbers splits;
  if (how == "random") {
    splits = DrawSplits(static_cast<int64_t>(usable.size()), valid, test, config.Int("data.seed"));
    for (std::vector<int64_t>& numbers : splits)
      for (int64_t& number : numbers) number = usable[number];
    return splits;
  }
  splits = how == "column" ? *by_column : ReadSplitFile(config.String("data.split_file"), data.graphs.size());
  for (std::vector<int64_t>& numbers : splits)
    std::erase_if(numbers, [&](int64_t i) { return !std::binary_search(usable.begin(), usable.end(), i); });
  return splits;
}

// "0 1 3", and back.
std::vector<std::string> ToTexts(const std::vector<std::vector<int64_t>>& words) {
  std::vector<std::string> texts;
  for (const std::vector<int64_t>& values : words) {
    std::string& text = texts.emplace_back();
    for (const int64_t value : values) text += (text.empty() ? "" : " ") + std::to_string(value);
  }
  return texts;
}
std::vector<std::vector<int64_t>> ToWords(const std::vector<std::string>& texts, int64_t features, const char* key) {
  Check(static_cast<int64_t>(texts.size()) == features, key, " has ", texts.size(), " texts, for ", features,
        " features");
  std::vector<std::vector<int64_t>> words(features);
  for (int64_t f = 0; f < features; ++f)
    for (std::string_view rest = texts[f], word = NextWord(rest); !word.empty(); word = NextWord(rest)) {
      words[f].push_back(ParseNumber<int64_t>(word, key, "number"));
      Check(words[f].back() >= 0 && words[f].back() <= 255, key, ": ", word, " is no value of a feature");
    }
  return words;
}

// What the model knows of atoms and bonds: what those trained on have, kept with the run.
void FindWords(Config& config, MoleculeData& data) {
  if (config.StringList("data.atoms").empty() || config.StringList("data.bonds").empty()) {
    const MoleculeVocabulary found = FindVocabulary(data.graphs, Of(Split::kTrain, data.splits));
    config.SetStringList("data.atoms", ToTexts(found.atoms));
    config.SetStringList("data.bonds", ToTexts(found.bonds));
  }
  data.vocabulary = {ToWords(config.StringList("data.atoms"), kAtomFeatures, "data.atoms"),
                     ToWords(config.StringList("data.bonds"), kBondFeatures, "data.bonds")};
  std::vector<int64_t> all;
  for (const std::vector<int64_t>& numbers : data.splits) all.insert(all.end(), numbers.begin(), numbers.end());
  std::sort(all.begin(), all.end());
  const std::vector<int64_t> outside = OutsideVocabulary(data.vocabulary, data.graphs, all);
  if (outside.empty()) return;
  PrintNote(
      data.path + ": " + std::to_string(outside.size()) +
      " molecules have atoms or bonds of a kind that none trained on has, which the model does not see; the first "
      "is at line " +
      std::to_string(data.lines[outside[0]]) + ": " + data.smiles[outside[0]]);
}

// The means and deviations of the targets trained on, kept with the run.
void FindScales(Config& config, MoleculeData& data) {
  if (data.form.task != MoleculeTask::kRegression) return;
  const size_t columns = data.form.columns.size();
  if (config.DoubleList("data.means").empty() || config.DoubleList("data.deviations").empty()) {
    std::vector<double> means, deviations;
    for (size_t c = 0; c < columns; ++c) {
      double count = 0, sum = 0, squares = 0;
      const auto for_each = [&](const std::function<void(double)>& f) {
        for (const int64_t i : Of(Split::kTrain, data.splits))
          if (const double target = data.targets[i * columns + c]; !std::isnan(target)) f(target);
      };
      for_each([&](double target) { ++count, sum += target; });
      for_each([&](double target) { squares += (target - sum / count) * (target - sum / count); });
      Check(count > 0 && squares > 0, data.path, ": of the molecules trained on, ", count,
            " have a value in the column '", data.form.columns[c], "', and these do not differ");
      Check(std::abs(sum / count) < kMostDeviations * std::sqrt(squares / count), data.path, ": the column '",
            data.form.columns[c], "' has the mean ", sum / count, " and the standard deviation ",
            std::sqrt(squares / count), ", which f32 does not resolve: subtract a constant from its values");
      means.push_back(sum / count);
      deviations.push_back(std::sqrt(squares / count));
    }
    config.SetDoubleList("data.means", means);
    config.SetDoubleList("data.deviations", deviations);
  }
  data.means = config.DoubleList("data.means");
  data.deviations = config.DoubleList("data.deviations");
  Check(data.means.size() == columns && data.deviations.size() == columns, "data.means has ", data.means.size(),
        " numbers and data.deviations ", data.deviations.size(), ", for ", columns, " columns of targets");
  for (const double deviation : data.deviations) Check(deviation > 0, "data.deviations has ", deviation);
}

// Whether the metric of a split is defined: there are targets, and of labels one that some molecules have and others
// do not.
bool IsMeasurable(const MoleculeData& data, const std::vector<int64_t>& numbers) {
  const size_t columns = data.form.columns.size();
  for (size_t c = 0; c < columns && !data.targets.empty(); ++c) {
    bool has_none = false, has_some = false;
    for (const int64_t i : numbers) {
      const double target = data.targets[i * columns + c];
      has_none |= target == 0;
      has_some |= !std::isnan(target) && target != 0;
    }
    if (data.form.task == MoleculeTask::kMultiLabel ? has_none && has_some : has_none || has_some) return true;
  }
  return false;
}

std::unique_ptr<Experiment> Make(const ExperimentInputs& inputs) {
  Config& config = inputs.config;
  const bool is_new = !inputs.new_data.empty();
  Check(is_new || !config.String("data.path").empty(), "data.path has to name the table of the molecules");
  const std::string path = UserPath(is_new ? inputs.new_data : config.String("data.path"));
  if (!is_new) config.SetString("data.path", path);  // a run may be gone on with from elsewhere
  if (const std::string& splits = config.String("data.split_file"); !is_new && !splits.empty())
    config.SetString("data.split_file", UserPath(splits));
  const bool by_column = !is_new && config.String("data.split") == "column";
  const MoleculeTargets form = FormOf(path, config);
  MoleculeTable table = ReadMoleculeTable({.path = path,
                                           .smiles = config.String("data.smiles"),
                                           .targets = form,
                                           .targets_are_optional = is_new,
                                           .split = by_column ? config.String("data.split_column") : ""});
  MoleculeGraphs graphs = LoadMolecules(table.smiles, inputs.progress);
  MoleculeData data{.graphs = std::move(graphs),
                    .n = 0,
                    .vocabulary = {},
                    .form = form,
                    .targets = std::move(table.targets),
                    .path = path,
                    .smiles = std::move(table.smiles),
                    .lines = std::move(table.lines)};
  LeaveOut(config, is_new, data);
  const std::vector<int64_t> usable = UsableNumbers(data, is_new);
  if (is_new) {
    Of(Split::kTest, data.splits) = usable;
    if (!IsMeasurable(data, usable)) data.targets.clear();
  } else {
    data.splits = SplitsOf(config, usable, data, table.splits, inputs.progress);
    for (const Split split : kSplits) {
      const std::vector<int64_t>& numbers = Of(split, data.splits);
      if (split == Split::kValid && numbers.empty()) continue;
      Check(!numbers.empty(), path, ": of ", usable.size(), " molecules none are in the split ", NameOf(split));
      Check(IsMeasurable(data, numbers), path, ": the molecules of the split ", NameOf(split),
            " have no label that some of them have and others do not");
    }
  }
  FindWords(config, data);
  FindScales(config, data);
  const auto count = static_cast<int64_t>(usable.size());
  int64_t atoms = 0;
  for (const int64_t i : usable) atoms += data.graphs.n(i);
  data.description = std::to_string(count) + " molecules of up to " + std::to_string(data.n) + " atoms, " +
                     std::to_string(atoms / count) + " on average; " + NameOf(form.task) + " of " +
                     std::to_string(form.outputs()) + (form.classes.empty() ? " targets" : " classes");
  if (!data.left_out.empty()) data.description += "; " + std::to_string(data.left_out.size()) + " left out";
  return MakeMoleculeExperiment(config, inputs.device, std::move(data), inputs.generator);
}

}  // namespace

ExperimentKind MoleculesKind() {
  return {.name = "molecules",
          .help = "molecules of your own, as SMILES in a table: what class, labels or values has each?",
          .add_keys = AddKeys,
          .make = Make};
}

}  // namespace orbit
