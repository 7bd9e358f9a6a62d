#include "tools/experiments/nbody.h"

#include <memory>
#include <utility>

#include "data/nbody/nbody.h"
#include "tools/experiments/particle_experiment.h"

namespace orbit {
namespace {

void AddKeys(ConfigSchema& schema) {
  AddParticleModelKeys(schema);
  schema.String("data.forces", "charged", "between the particles", {"charged", "spring"});
  schema.Int("data.particles", 5, "a trajectory", {.min = 2, .max = 100});
  schema.Int("data.steps", 5000, "of the simulator, 1e-3 each; a frame every 100", {.min = 4200, .max = 1000000});
  schema.Int("data.seed", 43, "of the simulator; the published data has 43", {.min = 0});
  schema.Int("data.train", 3000, "trajectories to train on, of 10,000", {.min = 1, .max = 10000});
  schema.Int("data.valid", 2000, "trajectories to validate on", {.min = 0, .max = 1000000});
  schema.Int("data.test", 2000, "trajectories to test on", {.min = 1, .max = 1000000});
}

std::unique_ptr<Experiment> Make(const ExperimentInputs& inputs) {
  const Config& config = inputs.config;
  Check(inputs.new_data.empty(), "the task nbody simulates its data; those of a folder are for the task particles");
  std::unique_ptr<Model> model = MakeParticleModel(config, config.Int("data.particles"), inputs.generator);
  const NBodyData data = LoadNBody({.simulator = {.forces = ParseForces(config.String("data.forces")),
                                                  .particles = config.Int("data.particles"),
                                                  .steps = config.Int("data.steps")},
                                    .seed = config.Int("data.seed"),
                                    .train = config.Int("data.train"),
                                    .valid = config.Int("data.valid"),
                                    .test = config.Int("data.test")},
                                   inputs.progress);
  return MakeParticleExperiment(std::move(model), config, inputs.device, data.splits);
}

}  // namespace

ExperimentKind NBodyKind() {
  return {
      .name = "nbody", .help = "charged particles: where are they some time later?", .add_keys = AddKeys, .make = Make};
}

}  // namespace orbit
