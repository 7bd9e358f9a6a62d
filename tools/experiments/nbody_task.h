// The n-body experiment (method: Kim et al. 2023, section 3.2): symmetrized models and EGNN on charged particles.
#ifndef ORBIT_TOOLS_EXPERIMENTS_NBODY_TASK_H_
#define ORBIT_TOOLS_EXPERIMENTS_NBODY_TASK_H_

#include "tools/experiments/task.h"

namespace orbit {

// Task "nbody"; its metric is "mse".
TaskKind NBodyTaskKind();

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_NBODY_TASK_H_
