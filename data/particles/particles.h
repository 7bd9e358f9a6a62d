// Particles at one frame of their trajectories and at a later one, for models to learn from.
#ifndef ORBIT_DATA_PARTICLES_PARTICLES_H_
#define ORBIT_DATA_PARTICLES_PARTICLES_H_

#include "engine/tensor.h"

namespace orbit {

// A split of a data set, f64: `count` trajectories of n particles in d dimensions.
struct ParticleFrames {
  Tensor charges;     // [count, n]; undefined if the particles have none
  Tensor couplings;   // [count, n, n], one per pair; undefined: the products of the charges
  Tensor positions;   // [count, n, d] at the input frame
  Tensor velocities;  // [count, n, d] at the input frame
  Tensor targets;     // [count, n, d], positions at the target frame; undefined if unknown

  int64_t count() const { return positions.dim(0); }
};

// The input of models, f32.
struct ParticleExamples {
  Tensor nodes;    // [count, n, d, 2]: position, velocity
  Tensor edges;    // [count, n, n, 2]: coupling, squared distance; both 0 on the diagonal
  Tensor target;   // [count, n, d]; undefined if the frames have no targets
  Tensor charges;  // [count, n, 1]; 0 if the frames have no charges
};

ParticleExamples MakeExamples(const ParticleFrames& frames);

}  // namespace orbit

#endif  // ORBIT_DATA_PARTICLES_PARTICLES_H_
