// EXP-classify (Kim et al. 2023, section 3.1): tell the satisfiable from the unsatisfiable of 1,200 graphs that come in
// pairs which message passing cannot tell apart.
#ifndef ORBIT_TOOLS_EXPERIMENTS_EXP_CLASSIFY_H_
#define ORBIT_TOOLS_EXPERIMENTS_EXP_CLASSIFY_H_

#include "tools/experiments/experiment.h"

namespace orbit {

ExperimentKind ExpClassifyKind();  // "exp_classify"

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_EXP_CLASSIFY_H_
