// Particles at one moment of their trajectories, and where they are some time later: what models of particles learn.
#ifndef ORBIT_DATA_PARTICLES_PARTICLES_H_
#define ORBIT_DATA_PARTICLES_PARTICLES_H_

#include "engine/tensor.h"

namespace orbit {

// A split of a data set, f64: n particles in d dimensions of each of `count` trajectories.
struct ParticleFrames {
  Tensor charges;     // [count, n]; undefined where they have none
  Tensor couplings;   // [count, n, n]: of every pair; undefined: the product of their charges
  Tensor positions;   // [count, n, d] at the input frame
  Tensor velocities;  // [count, n, d] at the input frame
  Tensor targets;     // [count, n, d], positions at the target frame; undefined where they are not known

  int64_t count() const { return positions.dim(0); }
};

// What a model sees of it, f32.
struct ParticleExamples {
  Tensor nodes;    // [count, n, d, 2]: position, velocity
  Tensor edges;    // [count, n, n, 2]: coupling, squared distance; both 0 on the diagonal
  Tensor target;   // [count, n, d]; undefined as in the frames
  Tensor charges;  // [count, n, 1]; 0 where the frames have none
};

ParticleExamples MakeExamples(const ParticleFrames& frames);

}  // namespace orbit

#endif  // ORBIT_DATA_PARTICLES_PARTICLES_H_
