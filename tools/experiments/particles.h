// A user's own particles: trajectories from a folder of .npy files (data/particles/trajectories.h).
#ifndef ORBIT_TOOLS_EXPERIMENTS_PARTICLES_H_
#define ORBIT_TOOLS_EXPERIMENTS_PARTICLES_H_

#include "tools/experiments/experiment.h"

namespace orbit {

ExperimentKind ParticlesKind();  // "particles"

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_PARTICLES_H_
