// The n-body data set: from charged particles at one frame of a simulation, predict their positions ten frames later.
//
// Published with Satorras et al. (EGNN, ICML 2021) and used by Kim et al. (2023), with 3,000 trajectories for training,
// 2,000 for validation and 2,000 for test.
#ifndef ORBIT_DATA_NBODY_NBODY_H_
#define ORBIT_DATA_NBODY_NBODY_H_

#include <array>
#include <string>

#include "data/nbody/nbody_simulator.h"
#include "data/particles/particles.h"
#include "data/split.h"

namespace orbit {

inline constexpr int64_t kNBodyInputFrame = 30, kNBodyTargetFrame = 40;

struct NBodyOptions {
  SimulatorOptions simulator;
  int64_t seed = 43;     // of NumPy's generator; 43 gives the published data
  int64_t train = 3000;  // the first of 10,000 drawn
  int64_t valid = 2000;  // of at least 2,000 drawn
  int64_t test = 2000;
};

struct NBodyData {
  std::array<ParticleFrames, kSplits.size()> splits;  // charges are 0 for springs
};

// Simulates the data, or reads it from the cache (data/packed_cache.h), where its file name encodes the options.
NBodyData LoadNBody(const NBodyOptions& options, const ShareDone& progress = {});

// Runs the simulation without the cache. Throws Error for invalid options.
NBodyData SimulateNBody(const NBodyOptions& options, const ShareDone& progress = {});

}  // namespace orbit

#endif  // ORBIT_DATA_NBODY_NBODY_H_
