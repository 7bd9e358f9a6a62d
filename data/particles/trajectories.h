// A user's own trajectories of particles, from a folder of .npy files.
#ifndef ORBIT_DATA_PARTICLES_TRAJECTORIES_H_
#define ORBIT_DATA_PARTICLES_TRAJECTORIES_H_

#include <optional>
#include <string>

#include "data/particles/particles.h"
#include "data/split.h"

namespace orbit {

// The model predicts the position at frame `target` from position and velocity at frame `input`, counted from 0.
struct FramePair {
  int64_t input = 30, target = 40;
};

// Reads the trajectories of a split, with n >= 2 particles in d = 2 or 3 dimensions. The files have either of two
// layouts (* is arbitrary):
//
//   loc_SPLIT*.npy, vel_SPLIT*.npy        [count, frames, d, n]
//   locA_SPLIT*.npy, velA_SPLIT*.npy,
//   locB_SPLIT*.npy                       [count, d, n], of the input frame A and the target frame B
//   charges_SPLIT*.npy                    [count, n] or [count, n, 1]       (may be missing)
//   edges_SPLIT*.npy                      [count, n, n]                     (may be missing)
//
// The targets are undefined if there is no locB or the target frame is beyond the last one. Returns nothing if the
// folder has no positions of the split. Throws Error with the file and its shape if shapes do not match, with the
// trajectory if a number is not finite, and if several files match.
std::optional<ParticleFrames> ReadTrajectories(const std::string& folder, Split split, const FramePair& frames);

}  // namespace orbit

#endif  // ORBIT_DATA_PARTICLES_TRAJECTORIES_H_
