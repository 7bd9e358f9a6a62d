// A user's own molecules: a table with SMILES and columns of what is to be predicted (data/molecules/molecule_table.h).
#ifndef ORBIT_TOOLS_EXPERIMENTS_MOLECULES_H_
#define ORBIT_TOOLS_EXPERIMENTS_MOLECULES_H_

#include "tools/experiments/experiment.h"

namespace orbit {

ExperimentKind MoleculesKind();  // "molecules"

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_MOLECULES_H_
