// What is predicted of a molecule by a vision transformer: what the Peptides data sets and molecules of one's own have
// in common (Kim et al. 2023, section 3.4).
#ifndef ORBIT_TOOLS_EXPERIMENTS_MOLECULE_EXPERIMENT_H_
#define ORBIT_TOOLS_EXPERIMENTS_MOLECULE_EXPERIMENT_H_

#include <memory>
#include <string>
#include <vector>

#include "data/molecules/molecule_graphs.h"
#include "data/molecules/molecule_table.h"
#include "tools/experiments/experiment.h"

namespace orbit {

// One that cannot be used.
struct LeftOutMolecule {
  int64_t number;  // in the table
  std::string reason;
};

struct MoleculeData {
  MoleculeGraphs graphs;
  int64_t n;  // atoms that molecules are padded to
  MoleculeVocabulary vocabulary;
  MoleculeTargets form;
  std::vector<double> targets;  // [molecules, columns], NaN where missing; empty: none are known
  // Of the targets of a regression, by columns: outputs are multiples of the deviations from the means. Empty: 0 and 1.
  std::vector<double> means, deviations;
  SplitNumbers splits;
  std::string description;  // of the molecules
  // Where there is a table of them:
  std::string path;
  std::vector<std::string> smiles;
  std::vector<int64_t> lines;
  std::vector<LeftOutMolecule> left_out;
};

// With the model that the config describes (AddGraphImageKeys). The loss is the cross entropy of classes, the binary
// one of labels, or the mean absolute error of values in units of their deviations, over the known targets. Metrics are
// accuracy, in percent, and for two classes roc_auc; or average_precision and roc_auc; or mae and r2 of the values.
std::unique_ptr<Experiment> MakeMoleculeExperiment(const Config& config, Device device, MoleculeData data,
                                                   Generator& generator);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_MOLECULE_EXPERIMENT_H_
