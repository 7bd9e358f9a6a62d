// Peptides-func and Peptides-struct (data/molecules/peptides.h).
#ifndef ORBIT_TOOLS_EXPERIMENTS_PEPTIDES_H_
#define ORBIT_TOOLS_EXPERIMENTS_PEPTIDES_H_

#include "tools/experiments/experiment.h"

namespace orbit {

ExperimentKind PeptidesKind();  // "peptides"

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_PEPTIDES_H_
