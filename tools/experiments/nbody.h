// The n-body experiment (Kim et al. 2023, section 3.2): symmetrized models and EGNN on simulated particles.
#ifndef ORBIT_TOOLS_EXPERIMENTS_NBODY_H_
#define ORBIT_TOOLS_EXPERIMENTS_NBODY_H_

#include "tools/experiments/experiment.h"

namespace orbit {

ExperimentKind NBodyKind();  // "nbody"

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_NBODY_H_
