// The symmetrized models on charged particles (Kim et al. 2023, section 3.2): given positions, velocities and charges,
// where are the particles some time later?
#ifndef ORBIT_MODELS_NBODY_MODEL_H_
#define ORBIT_MODELS_NBODY_MODEL_H_

#include <memory>
#include <string>

#include "groups/distribution.h"
#include "groups/symmetrizer.h"
#include "models/particle_gnn.h"
#include "models/particle_transformer.h"
#include "models/vector_neurons.h"

namespace orbit {

struct NBodyModelOptions {
  std::string symmetry = "SnxO3";        // SnxO3, SnxSO3, O3, SO3 or Sn
  std::string base = "transformer";      // or gnn, which is for O3 and SO3
  std::string distribution = "learned";  // learned, haar or canonical
  int64_t nodes = 5;
  ParticleTransformerOptions transformer;
  ParticleGnnOptions gnn;
  int64_t network_hidden = 64;  // of the equivariant network; its channels are a third of it
  int64_t network_neighbours = 4;
  double network_dropout = 0.08;
  double noise_scale = 1;
  SoftSortOptions soft_sort{.tau = 0.1};
  double score_jitter = 1e-6;
  double frame_jitter = 1e-6;
};

// A batch of clouds of charged particles. Features as the experiments define them:
struct ParticleBatch {
  Tensor nodes;         // [batch, n, 3, 2]: position, velocity
  Tensor edges;         // [batch, n, n, 2]: product of the charges, squared distance; both 0 on the diagonal
  Tensor target;        // [batch, n, 3]: position to predict
  Tensor charges = {};  // [batch, n, 1], which only EGNN asks for
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

class NBodyModel : public nn::Module {
 public:
  NBodyModel(const NBodyModelOptions& options, Generator& generator);

  struct Result {
    Variable prediction;  // [batch, n, 3]
    Variable entropy;     // the regulariser, a scalar; undefined where the permutation has no soft part
    Element element;
  };

  // `samples` group elements with fresh noise.
  Result Forward(const ParticleBatch& batch, int64_t samples, Generator& generator);
  // The same for given noise; `generator` serves dropout alone.
  Result Forward(const ParticleBatch& batch, const Noise& noise, Generator& generator);
  Noise DrawNoise(const ParticleBatch& batch, int64_t samples, Generator& generator) const;

  // The batch as the group sees it.
  static Features MakeFeatures(const ParticleBatch& batch);
  ParticleNetwork& network() { return network_; }
  const Group& group() const { return group_; }

 private:
  Group group_;
  std::unique_ptr<ParticleTransformer> transformer_;
  std::unique_ptr<ParticleGnn> gnn_;
  ParticleNetwork network_;
  std::unique_ptr<Distribution> distribution_;
  std::unique_ptr<Symmetrizer> symmetrizer_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_NBODY_MODEL_H_
