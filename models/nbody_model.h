// The models on charged particles (Kim et al. 2023, section 3.2): given positions, velocities and charges, where are
// the particles some time later?
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
  std::string base = "transformer";      // gnn, which is for O3 and SO3; egnn, which is equivariant by itself
  std::string distribution = "learned";  // learned, haar or canonical
  int64_t nodes = 5;
  ParticleTransformerOptions transformer;
  ParticleGnnOptions gnn;
  EgnnOptions egnn;
  int64_t network_hidden = 64;  // of the equivariant network; its channels are a third of it
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
  Tensor charges = {};  // [batch, n, 1], which EGNN alone asks for
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

// The batch as the group sees it: 0, particles; 1, pairs; 2, charges, where there are any.
Features MakeParticleFeatures(const ParticleBatch& batch);

// On such features; the output is [batch, n, 3, 1], points. Throws Error for names that are not known and for options
// that make no sense.
std::unique_ptr<Model> MakeNBodyModel(const NBodyModelOptions& options, Generator& generator);

}  // namespace orbit

#endif  // ORBIT_MODELS_NBODY_MODEL_H_
