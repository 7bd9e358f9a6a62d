// PATTERN (Kim et al. 2023, section 3.3): which nodes belong to a pattern that was planted in a random graph?
#ifndef ORBIT_TOOLS_EXPERIMENTS_PATTERN_H_
#define ORBIT_TOOLS_EXPERIMENTS_PATTERN_H_

#include "tools/experiments/experiment.h"

namespace orbit {

ExperimentKind PatternKind();  // "pattern"

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_PATTERN_H_
