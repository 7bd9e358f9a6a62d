// Models on charged particles (Kim et al. 2023, section 3.2) that predict later positions from positions, velocities
// and charges.
#ifndef ORBIT_MODELS_NBODY_MODEL_H_
#define ORBIT_MODELS_NBODY_MODEL_H_

#include <memory>
#include <string>

#include "groups/model.h"
#include "models/egnn.h"
#include "models/particle_gnn.h"
#include "models/particle_transformer.h"
#include "models/vector_neurons.h"

namespace orbit {

struct NBodyModelOptions {
  std::string symmetry = "SnxO3";        // SnxO3, SnxSO3, O3, SO3 or Sn
  std::string base = "transformer";      // or gnn, for O3 and SO3; or egnn, which is equivariant by construction
  std::string distribution = "learned";  // learned, haar or canonical
  int64_t nodes = 5;
  ParticleTransformerOptions transformer;
  ParticleGnnOptions gnn;
  EgnnOptions egnn;
  int64_t network_hidden = 64;  // of the equivariant network, which has a third as many channels
  int64_t network_neighbours = 4;
  double network_dropout = 0.08;
  double noise_scale = 1;
  SoftSortOptions soft_sort{.tau = 0.1};
  double score_jitter = 1e-6;
  double frame_jitter = 1e-6;
};

// A batch of clouds of charged particles, with the features of the experiments.
struct ParticleBatch {
  Tensor nodes;         // [batch, n, 3, 2]: position, velocity
  Tensor edges;         // [batch, n, n, 2]: product of the charges, squared distance; both 0 on the diagonal
  Tensor target;        // [batch, n, 3]: position to predict
  Tensor charges = {};  // [batch, n, 1]; only EGNN needs them
};

// The equivariant network on particles: VN-DGCNN on positions and velocities plus normal noise of scale `noise_scale`.
class ParticleNetwork : public EquivariantNetwork {
 public:
  ParticleNetwork(const NBodyModelOptions& options, Generator& generator);

  Tensor DrawNoise(const Features& x, int64_t samples, Generator& generator) const override;
  Representation noise_representation() const override { return Representation::Vectors(1); }
  // noise [batch, samples, n, 3, 2], or undefined for one sample without noise.
  Proposal Forward(const Features& x, const Tensor& noise, Generator& generator) override;

 private:
  double noise_scale_;
  VNDgcnn network_;
};

// The batch as features on which the group acts: 0 are the particles, 1 the pairs, 2 the charges, if there are any.
Features MakeParticleFeatures(const ParticleBatch& batch);

// A model on such features. Its output is points, [batch, n, 3, 1]. Throws Error for unknown names and invalid options.
std::unique_ptr<Model> MakeNBodyModel(const NBodyModelOptions& options, Generator& generator);

}  // namespace orbit

#endif  // ORBIT_MODELS_NBODY_MODEL_H_
