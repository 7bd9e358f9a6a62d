#include "tools/experiments/particles.h"

#include <array>
#include <optional>
#include <utility>

#include "data/particles/trajectories.h"
#include "tools/common/path.h"
#include "tools/experiments/particle_experiment.h"

namespace orbit {
namespace {

void AddKeys(ConfigSchema& schema) {
  AddParticleModelKeys(schema);
  schema.String("data.path", "", "the folder of loc_SPLIT*.npy, vel_SPLIT*.npy ..., or of locFRAME_SPLIT*.npy ...");
  schema.Int("data.input_frame", 30, "the frame with the positions and velocities that are known", {.min = 0});
  schema.Int("data.target_frame", 40, "the frame with the positions to be predicted", {.min = 0});
  schema.Int("data.particles", 0, "a trajectory; 0: as found", {.min = 0});
  schema.Int("data.dimensions", 0, "2 or 3; 0: as found", {.min = 0, .max = 3});
}

// Keeps what was found in a key where it says 0, and else refuses what is not the same.
void Settle(Config& config, const std::string& key, int64_t found, const std::string& folder) {
  if (config.Int(key) == 0) config.Set(key + "=" + std::to_string(found));
  Check(config.Int(key) == found, "the trajectories of ", folder, " have ", found, " where ", key, " is ",
        config.Int(key));
}

std::unique_ptr<Experiment> Make(const ExperimentInputs& inputs) {
  Config& config = inputs.config;
  const bool is_new = !inputs.new_data.empty();
  Check(is_new || !config.String("data.path").empty(), "data.path has to name the folder of the trajectories");
  const std::string folder = UserPath(is_new ? inputs.new_data : config.String("data.path"));
  if (!is_new) config.SetString("data.path", folder);  // a run may be gone on with from elsewhere
  const FramePair pair = {config.Int("data.input_frame"), config.Int("data.target_frame")};
  std::array<ParticleFrames, kSplits.size()> data;
  for (const Split split : kSplits) {
    if (is_new && split != Split::kTest) continue;
    std::optional<ParticleFrames> frames = ReadTrajectories(folder, split, pair);
    if (!frames && split == Split::kValid) continue;
    const std::string name = NameOf(split), input = std::to_string(pair.input), target = std::to_string(pair.target);
    Check(frames.has_value(), folder, " has neither loc_", name, "*.npy nor loc", input, "_", name,
          "*.npy; data.input_frame and data.target_frame tell the frames");
    Check(is_new || frames->targets.defined(), folder, " has no frame ", target, " of the split ", name,
          ": data.target_frame has to be one of those in loc_", name, "*.npy, or of a loc", target, "_", name, "*.npy");
    Settle(config, "data.particles", frames->positions.dim(1), folder);
    Settle(config, "data.dimensions", frames->positions.dim(2), folder);
    Check(config.String("model.base") != "egnn" || frames->charges.defined(), "egnn needs charges: ", folder,
          " has no charges_", name, "*.npy");
    data[static_cast<size_t>(split)] = *std::move(frames);
  }
  if (config.Int("data.dimensions") == 2) {
    const std::string& symmetry = config.String("model.symmetry");
    Check(
        symmetry.find("SO3") == std::string::npos,
        "a plane in space is turned over by rotations: model.symmetry of particles in 2 dimensions is SnxO3, O3 or Sn");
    Check(symmetry == "Sn" || config.String("model.distribution") != "canonical",
          "vectors in a plane make no frame of space without noise: model.distribution of particles in 2 dimensions is "
          "learned or haar");
  }
  std::unique_ptr<Model> model = MakeParticleModel(config, config.Int("data.particles"), inputs.generator);
  return MakeParticleExperiment(std::move(model), config, inputs.device, data);
}

}  // namespace

ExperimentKind ParticlesKind() {
  return {.name = "particles",
          .help = "trajectories of your own, from .npy files: where are the particles some time later?",
          .add_keys = AddKeys,
          .make = Make};
}

}  // namespace orbit
