// The n-body data set: given charged particles at one frame of a simulation, where are they ten frames later?
//
// Published with Satorras et al. (EGNN, ICML 2021) and used by Kim et al. (2023): 3,000 trajectories to train on, 2,000
// to validate, 2,000 to test.
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
  int64_t seed = 43;     // of NumPy's generator; the published data has 43
  int64_t train = 3000;  // the first of 10,000 that are drawn
  int64_t valid = 2000;  // of at least 2,000 that are drawn
  int64_t test = 2000;
};

struct NBodyData {
  std::array<ParticleFrames, kSplits.size()> splits;  // charges of springs are 0
};

// Where data sets are kept: $ORBIT_CACHE, else $XDG_CACHE_HOME/orbit, else ~/.cache/orbit.
std::string CacheDirectory();

// Simulates the data, or reads what an earlier call kept under a name that tells the options. A file that is damaged is
// told of on stderr and made anew; where none can be written, that is told too, and the data returned all the same.
NBodyData LoadNBody(const NBodyOptions& options, const ShareDone& progress = {});

// The simulation itself. Throws Error for options that make no sense.
NBodyData SimulateNBody(const NBodyOptions& options, const ShareDone& progress = {});

}  // namespace orbit

#endif  // ORBIT_DATA_NBODY_NBODY_H_
