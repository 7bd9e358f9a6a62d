// The simulator of interacting particles behind the n-body benchmark (Kipf et al., Neural Relational Inference, ICML
// 2018; in three dimensions as in Satorras et al., EGNN, ICML 2021).
#ifndef ORBIT_DATA_NBODY_NBODY_SIMULATOR_H_
#define ORBIT_DATA_NBODY_NBODY_SIMULATOR_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/nbody/numpy_random.h"
#include "data/share_done.h"

namespace orbit {

enum class Forces {
  kCharged,  // Coulomb: q_i q_j (x_i - x_j) / |x_i - x_j|^3, charges 1 or -1
  kSpring,   // -0.1 s_ij (x_i - x_j), s_ij 0 or 1
};

std::string NameOf(Forces forces);            // "charged", "spring"
Forces ParseForces(const std::string& name);  // throws Error for other names

struct SimulatorOptions {
  Forces forces = Forces::kCharged;
  int64_t particles = 5;      // at least 2
  int64_t steps = 5000;       // leapfrog steps with dt = 1e-3; force components are clipped at +-100
  int64_t frame_steps = 100;  // steps between frames: frame f is after step (f + 1) frame_steps

  int64_t frames() const { return steps / frame_steps - 1; }
};

// Trajectories at selected frames.
struct Trajectories {
  int64_t count = 0, particles = 0;
  std::vector<int64_t> frames;
  std::vector<double> charges;     // [count, particles]; 0 for springs
  std::vector<double> positions;   // [count, frames, particles, 3]
  std::vector<double> velocities;  // [count, frames, particles, 3]
};

// Reproduces the published trajectories bit for bit, except for about four in 7,000 that differ by less than 1e-8.
// Initial conditions come from NumPy's generator, and every operation has the order and the rounding of the machine on
// which the data was made (data/nbody/svml_power.h).
//
// Draws the initial conditions of `count` + `skip` trajectories from `random`, in NumPy's order (charges or springs,
// positions, velocities, then the noise that the published simulator multiplies by zero), and integrates the first
// `count`, in parallel. Throws Error for invalid options, or frames beyond options.frames().
Trajectories Simulate(const SimulatorOptions& options, NumpyRandom& random, int64_t count, int64_t skip,
                      const std::vector<int64_t>& frames, const ShareDone& progress = {});

}  // namespace orbit

#endif  // ORBIT_DATA_NBODY_NBODY_SIMULATOR_H_
