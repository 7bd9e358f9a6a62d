// Where are particles some time later? What simulated data and a user's own have in common.
#ifndef ORBIT_TOOLS_EXPERIMENTS_PARTICLE_EXPERIMENT_H_
#define ORBIT_TOOLS_EXPERIMENTS_PARTICLE_EXPERIMENT_H_

#include <array>
#include <memory>

#include "data/particles/particles.h"
#include "tools/experiments/experiment.h"

namespace orbit {

// The keys model.* of models of particles (models/nbody_model.h).
void AddParticleModelKeys(ConfigSchema& schema);

// The model that the config describes, for `particles` of them.
std::unique_ptr<Model> MakeParticleModel(const Config& config, int64_t particles, Generator& generator);

// Splits, which may be empty, of particles as many as the model takes, in 3 dimensions, or in 2: then the plane is that
// of z = 0 in space, where O(3) acts on it as O(2), and only x and y are learned and reported. The metric is "mse".
std::unique_ptr<Experiment> MakeParticleExperiment(std::unique_ptr<Model> model, const Config& config, Device device,
                                                   const std::array<ParticleFrames, kSplits.size()>& data);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_PARTICLE_EXPERIMENT_H_
