#include "data/molecules/molecule_table.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>

#include "data/io/csv.h"

namespace orbit {
namespace {

constexpr std::array kTaskNames = {"classification", "multi_label", "regression"};
constexpr size_t kMostClasses = 1000;
constexpr double kMostCountedClasses = 20;
constexpr int64_t kTimesOfCountedClasses = 10;

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

bool IsMissing(std::string_view text) {
  if (text.size() > 4) return false;
  const std::string lower = Lower(text);
  return lower.empty() || lower == "nan" || lower == "na" || lower == "n/a" || lower == "null" || lower == "none" ||
         lower == "?";
}

std::optional<double> ToNumber(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> ToLabel(std::string_view text) {
  if (const std::string lower = Lower(text); lower == "true" || lower == "false") return lower == "true" ? 1 : 0;
  const std::optional<double> number = ToNumber(text);
  return number == 0 || number == 1 ? number : std::nullopt;
}

bool IsInteger(std::optional<double> number) {
  return number && std::floor(*number) == *number && std::abs(*number) < 1e15;
}

// A class by one name, however its number is written.
std::string ClassName(std::string_view text) {
  const std::optional<double> number = ToNumber(text);
  return IsInteger(number) ? std::to_string(static_cast<int64_t>(*number)) : std::string(text);
}

// What the known values of all columns have in common.
struct Values {
  int64_t known = 0, numbers = 0, fractions = 0;
  std::string no_number;                                                  // the first text that is none, with its place
  double least = std::numeric_limits<double>::infinity(), most = -least;  // of numbers
  bool are_labels = true, are_integers = true, are_written_so = true;
  std::map<std::string, int64_t> classes;  // by name, with the line that it is first on; no more than kMostClasses + 1
};

Values LookAt(const std::string& path, const std::vector<std::string>& columns) {
  CsvReader reader(path);
  std::vector<size_t> places;
  for (const std::string& column : columns) places.push_back(reader.Column(column));
  std::vector<int64_t> known(columns.size());
  Values values;
  while (reader.Next())
    for (size_t c = 0; c < columns.size(); ++c) {
      const std::string_view text = reader.Field(places[c]);
      if (IsMissing(text)) continue;
      ++known[c];
      ++values.known;
      const std::optional<double> number = ToNumber(text);
      values.are_labels = values.are_labels && ToLabel(text);
      values.numbers += number.has_value();
      values.fractions += number && !IsInteger(number);
      if (!number && values.no_number.empty())
        values.no_number = reader.Place(places[c]) + ": '" + std::string(text) + "'";
      if (number) values.least = std::min(values.least, *number);
      if (number) values.most = std::max(values.most, *number);
      values.are_integers = values.are_integers && IsInteger(number);
      values.are_written_so = values.are_written_so && text.find_first_of(".eE") == std::string_view::npos;
      if (values.classes.size() <= kMostClasses) values.classes.emplace(ClassName(text), reader.line());
    }
  for (size_t c = 0; c < columns.size(); ++c)
    Check(known[c] > 0, path, ": the column '", columns[c], "' has no values");
  return values;
}

MoleculeTask TaskOf(const Values& values, size_t columns) {
  if (columns > 1) return values.are_labels ? MoleculeTask::kMultiLabel : MoleculeTask::kRegression;
  const auto classes = static_cast<int64_t>(values.classes.size());
  if (values.numbers < values.known) {
    Check(2 * values.numbers <= values.known ||
              (2 * values.fractions <= values.numbers && classes <= kMostCountedClasses),
          values.no_number, " is no number, as most values of the column are: leave the field empty, or give the task");
    return MoleculeTask::kClassification;
  }
  const bool are_counted = values.are_written_so && (values.least == 0 || values.least == 1) &&
                           values.most <= kMostCountedClasses &&
                           static_cast<double>(classes) == values.most - values.least + 1 &&
                           values.known >= kTimesOfCountedClasses * classes;
  return values.are_integers && (classes <= 2 || are_counted) ? MoleculeTask::kClassification
                                                              : MoleculeTask::kRegression;
}

// Numbers in ascending order, then texts.
std::vector<std::string> InOrder(const std::map<std::string, int64_t>& classes) {
  std::vector<std::string> names;
  for (const auto& [name, line] : classes) names.push_back(name);
  std::stable_sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    const double infinity = std::numeric_limits<double>::infinity();
    return ToNumber(a).value_or(infinity) < ToNumber(b).value_or(infinity);
  });
  return names;
}

std::string Join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
  return text;
}

double ReadTarget(const CsvReader& reader, size_t column, const MoleculeTargets& targets) {
  const std::string_view text = reader.Field(column);
  if (IsMissing(text)) return std::numeric_limits<double>::quiet_NaN();
  if (targets.task == MoleculeTask::kClassification) {
    const auto found = std::find(targets.classes.begin(), targets.classes.end(), ClassName(text));
    if (found == targets.classes.end())
      Fail(reader.Place(column), ": the class '", text, "' is none of ", Join(targets.classes));
    return static_cast<double>(found - targets.classes.begin());
  }
  const bool is_label = targets.task == MoleculeTask::kMultiLabel;
  const std::optional<double> number = is_label ? ToLabel(text) : ToNumber(text);
  if (!number || !std::isfinite(static_cast<float>(*number)))
    Fail(reader.Place(column), ": '", text, "' is no ", is_label ? "label, which is 0 or 1" : "number that f32 holds");
  return *number;
}

Split ReadSplit(const CsvReader& reader, size_t column) {
  const std::string name = Lower(reader.Field(column));
  if (name == "train" || name == "training") return Split::kTrain;
  if (name == "valid" || name == "val" || name == "validation" || name == "dev") return Split::kValid;
  if (name == "test" || name == "testing") return Split::kTest;
  Fail(reader.Place(column), ": '", reader.Field(column), "' is no split: train, valid or test");
}

}  // namespace

std::string NameOf(MoleculeTask task) { return kTaskNames.at(static_cast<size_t>(task)); }

MoleculeTask ParseMoleculeTask(const std::string& name) {
  for (size_t i = 0; i < kTaskNames.size(); ++i)
    if (name == kTaskNames[i]) return static_cast<MoleculeTask>(i);
  Fail("unknown task '", name, "'; known: classification, multi_label, regression");
}

MoleculeTargets FindTargets(const std::string& path, const std::vector<std::string>& columns,
                            std::optional<MoleculeTask> task) {
  Check(!columns.empty(), path, ": no column of targets is named");
  const Values values = LookAt(path, columns);
  MoleculeTargets targets{.task = task ? *task : TaskOf(values, columns.size()), .columns = columns};
  if (targets.task == MoleculeTask::kClassification) {
    Check(columns.size() == 1, "classes come in one column; there are ", Join(columns));
    Check(values.classes.size() <= kMostClasses, path, ": the column '", columns[0], "' has more than ", kMostClasses,
          " different values: too many for classes");
    targets.classes = InOrder(values.classes);
    Check(targets.classes.size() >= 2, path, ": all molecules are of the class ", Join(targets.classes));
  }
  return targets;
}

MoleculeTable ReadMoleculeTable(const MoleculeTableOptions& options) {
  CsvReader reader(options.path);
  const size_t smiles = reader.Column(options.smiles);
  const std::vector<std::string>& names = options.targets.columns;
  std::vector<std::optional<size_t>> columns;
  for (const std::string& name : names)
    columns.push_back(options.targets_are_optional && !reader.HasColumn(name) ? std::nullopt
                                                                              : std::optional(reader.Column(name)));
  const bool has_targets = std::any_of(columns.begin(), columns.end(), [](const auto& column) { return column; });
  MoleculeTable table;
  std::optional<size_t> split;
  if (!options.split.empty()) {
    split = reader.Column(options.split);
    table.splits.emplace();
  }
  while (reader.Next()) {
    if (split)
      (*table.splits)[static_cast<size_t>(ReadSplit(reader, *split))].push_back(
          static_cast<int64_t>(table.smiles.size()));
    table.smiles.emplace_back(reader.Field(smiles));
    table.lines.push_back(reader.line());
    if (!has_targets) continue;
    for (const std::optional<size_t>& column : columns)
      table.targets.push_back(column ? ReadTarget(reader, *column, options.targets)
                                     : std::numeric_limits<double>::quiet_NaN());
  }
  Check(!table.smiles.empty(), options.path, " has no molecules, only the names of columns");
  return table;
}

}  // namespace orbit
