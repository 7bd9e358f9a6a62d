// A user's own molecules: a table (data/io/csv.h) with a column of SMILES and, where they are known, columns of
// targets.
#ifndef ORBIT_DATA_MOLECULES_MOLECULE_TABLE_H_
#define ORBIT_DATA_MOLECULES_MOLECULE_TABLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/split.h"

namespace orbit {

enum class MoleculeTask : uint8_t {
  kClassification,  // one column: a molecule is of one of several classes, which any texts name
  kMultiLabel,      // columns of 0 or 1 (or false and true)
  kRegression,      // columns of numbers
};

std::string NameOf(MoleculeTask task);                    // "classification", "multi_label", "regression"
MoleculeTask ParseMoleculeTask(const std::string& name);  // throws Error for other names

// What is predicted of a molecule.
struct MoleculeTargets {
  MoleculeTask task = MoleculeTask::kRegression;
  std::vector<std::string> columns;
  std::vector<std::string> classes;  // in the order of the outputs; empty for other tasks

  int64_t outputs() const { return static_cast<int64_t>((classes.empty() ? columns : classes).size()); }
};

// Looks at a table's columns of targets, where an empty field, nan, na, n/a, null, none or ? (in upper or lower case)
// stands for one that is missing. If the task is not given, the values tell:
//
//   classification  one column with a text that is no number; or with two different integers; or with the integers from
//                   0 or 1 to at most 20, written as such, that come ten times each on average
//   multi_label     several columns with nothing but 0, 1, false and true
//   regression      anything else
//
// A column most of whose values are numbers that are no classes (most have fractions, or there are more than 20
// different values) is not taken for classes because of some texts: they are errors.
//
// Throws Error, with file, line and column, for what does not fit, and for a column without values or of one class.
MoleculeTargets FindTargets(const std::string& path, const std::vector<std::string>& columns,
                            std::optional<MoleculeTask> task);

struct MoleculeTable {
  std::vector<std::string> smiles;
  std::vector<int64_t> lines;          // of the file, where each is
  std::vector<double> targets;         // [molecules, columns]: the place of a class, a label or a number; NaN: missing
  std::optional<SplitNumbers> splits;  // if a column of them was named
};

struct MoleculeTableOptions {
  std::string path;
  std::string smiles = "smiles";  // the column
  MoleculeTargets targets;
  // Whether columns of targets may be missing, as in data that is to be predicted; where all are, there are no targets.
  bool targets_are_optional = false;
  std::string split;  // a column of train, valid or test (or training, val, validation, dev, testing); "": none
};

// Throws Error with file, line and column for what does not fit: missing columns, which lists those that are there, a
// class that targets.classes lacks, a number that is none or not finite, another split; and for a table without rows.
MoleculeTable ReadMoleculeTable(const MoleculeTableOptions& options);

}  // namespace orbit

#endif  // ORBIT_DATA_MOLECULES_MOLECULE_TABLE_H_
