// Peptides-func and Peptides-struct of the Long Range Graph Benchmark (Dwivedi et al. 2022): 15,535 peptides of up to
// 444 atoms, from the published files.
#ifndef ORBIT_DATA_MOLECULES_PEPTIDES_H_
#define ORBIT_DATA_MOLECULES_PEPTIDES_H_

#include <string>
#include <vector>

#include "data/molecules/molecule_graphs.h"
#include "data/split.h"

namespace orbit {

inline constexpr int64_t kLargestPeptide = 444;  // atoms
inline constexpr int64_t kPeptideFunctions = 10, kPeptideProperties = 11;

struct Peptides {
  MoleculeGraphs graphs;
  Tensor targets;  // f32 [molecules, targets]
  SplitNumbers splits;
};

// func: whether a peptide has each of 10 functions, from peptide_multi_class_dataset.csv.gz. struct: 11 properties of
// its shape, from peptide_structure_dataset.csv.gz, each minus its mean and divided by its standard deviation (n - 1)
// over all molecules of the table, as published. Both have the splits of splits_random_stratified_peptide.pickle.
//
// Both throw Error, with the file and the line, for a table without the columns or with other labels, a SMILES that
// does not parse, a molecule that is larger or has an atom or a bond outside of PeptidesVocabulary, and splits that
// name a molecule twice or one beyond the table.
Peptides LoadPeptidesFunc(const std::string& table, const std::string& splits, const ShareDone& progress = {});
Peptides LoadPeptidesStruct(const std::string& table, const std::string& splits, const ShareDone& progress = {});

// The names of the properties, as the table's columns have them.
const std::vector<std::string>& PeptideProperties();

}  // namespace orbit

#endif  // ORBIT_DATA_MOLECULES_PEPTIDES_H_
