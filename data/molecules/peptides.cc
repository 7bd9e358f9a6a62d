#include "data/molecules/peptides.h"

#include <cmath>
#include <functional>
#include <numeric>

#include "data/io/csv.h"
#include "data/io/text_lines.h"
#include "data/molecules/molecule_splits.h"

namespace orbit {
namespace {

struct Table {
  std::vector<std::string> smiles, places;
  std::vector<double> targets;
};

// Reads all molecules, and appends the targets of each by `read`.
Table ReadTable(CsvReader& reader, const std::function<void(std::vector<double>& targets)>& read) {
  const size_t column = reader.Column("smiles");
  Table table;
  while (reader.Next()) {
    table.smiles.emplace_back(reader.Field(column));
    table.places.push_back(reader.Place(column));
    read(table.targets);
  }
  Check(!table.smiles.empty(), reader.Place(), ": no peptides follow");
  return table;
}

Peptides MakePeptides(const Table& table, const std::string& splits, const ShareDone& progress) {
  const auto count = static_cast<int64_t>(table.smiles.size());
  SplitNumbers numbers = ReadSplitFile(splits, count);
  MoleculeGraphs graphs = LoadMolecules(table.smiles, progress);
  std::vector<int64_t> all(count);
  std::iota(all.begin(), all.end(), 0);
  for (const int64_t i : all) {
    if (graphs.n(i) == 0) Fail(table.places[i], ": ", WhyNoMolecule(table.smiles[i]));
    Check(graphs.n(i) <= kLargestPeptide, table.places[i], ": '", table.smiles[i], "' has ", graphs.n(i),
          " atoms, more than the ", kLargestPeptide, " of the largest peptide");
  }
  for (const int64_t i : OutsideVocabulary(PeptidesVocabulary(), graphs, all))
    Fail(table.places[i], ": '", table.smiles[i],
         "' has an atom or a bond as no peptide has; the task molecules takes any");
  const std::vector<float> targets(table.targets.begin(), table.targets.end());
  return {std::move(graphs), Tensor::From(targets, {count, static_cast<int64_t>(targets.size()) / count}),
          std::move(numbers)};
}

// Parses "[0, 1, ...]".
void ReadLabels(std::string_view text, const std::string& place, std::vector<double>& labels) {
  Check(text.size() >= 2 && text.front() == '[' && text.back() == ']', place, ": '", text, "' is no list");
  text = text.substr(1, text.size() - 2);
  for (int64_t i = 0; i < kPeptideFunctions; ++i) {
    const auto label = ParseNumber<int64_t>(NextField(text), place, "label, which is 0 or 1");
    Check(label == 0 || label == 1, place, ": ", label, " is no label, which is 0 or 1");
    labels.push_back(static_cast<double>(label));
  }
  Check(text.empty(), place, ": more than ", kPeptideFunctions, " labels");
}

// Takes the mean from each column and divides by the standard deviation.
void Standardize(int64_t width, std::vector<double>& targets) {
  const auto count = static_cast<double>(targets.size()) / static_cast<double>(width);
  Check(count >= 2, "the properties of ", count, " peptides have no deviation");
  for (int64_t c = 0; c < width; ++c) {
    double mean = 0, variance = 0;
    for (size_t i = c; i < targets.size(); i += width) mean += targets[i] / count;
    for (size_t i = c; i < targets.size(); i += width)
      variance += (targets[i] - mean) * (targets[i] - mean) / (count - 1);
    Check(variance > 0, "all peptides have the same ", PeptideProperties()[c]);
    for (size_t i = c; i < targets.size(); i += width) targets[i] = (targets[i] - mean) / std::sqrt(variance);
  }
}

}  // namespace

const std::vector<std::string>& PeptideProperties() {
  static const std::vector<std::string> names = {"Inertia_mass_a",    "Inertia_mass_b",    "Inertia_mass_c",
                                                 "Inertia_valence_a", "Inertia_valence_b", "Inertia_valence_c",
                                                 "length_a",          "length_b",          "length_c",
                                                 "Spherocity",        "Plane_best_fit"};
  return names;
}

Peptides LoadPeptidesFunc(const std::string& table, const std::string& splits, const ShareDone& progress) {
  CsvReader reader(table);
  const size_t column = reader.Column("labels");
  return MakePeptides(
      ReadTable(reader,
                [&](std::vector<double>& targets) { ReadLabels(reader.Field(column), reader.Place(column), targets); }),
      splits, progress);
}

Peptides LoadPeptidesStruct(const std::string& table, const std::string& splits, const ShareDone& progress) {
  CsvReader reader(table);
  std::vector<size_t> columns;
  for (const std::string& name : PeptideProperties()) columns.push_back(reader.Column(name));
  Table read = ReadTable(reader, [&](std::vector<double>& targets) {
    for (const size_t column : columns) {
      targets.push_back(ParseNumber<double>(reader.Field(column), reader.Place(column), "number"));
      Check(std::isfinite(targets.back()), reader.Place(column), ": a property that is not finite");
    }
  });
  Standardize(kPeptideProperties, read.targets);
  return MakePeptides(read, splits, progress);
}

}  // namespace orbit
