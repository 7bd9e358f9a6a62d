// The message-passing base function on particles (the O(3) experiments of Kim et al. 2023, section 3.2): equivariant to
// permutations, but not to rotations.
#ifndef ORBIT_MODELS_PARTICLE_GNN_H_
#define ORBIT_MODELS_PARTICLE_GNN_H_

#include "engine/edge_lists.h"
#include "engine/nn/linear.h"
#include "engine/random.h"
#include "groups/base_function.h"

namespace orbit {

struct ParticleGnnOptions {
  int64_t layers = 4;
  int64_t hidden = 60;
};

class ParticleGnn : public BaseFunction {
 public:
  ParticleGnn(const ParticleGnnOptions& options, Generator& generator);

  // Uses feature 0, particles [rows, n, 3, 2], and feature 1, pairs [rows, n, n, 2]. Returns [rows, n, 3, 1].
  Variable Forward(const View& x, Generator& generator) const override;

 private:
  // m_ij = MLP(x_i, x_j, e_ij); x_i' = MLP(x_i, sum_j m_ij).
  class Layer : public nn::Module {
   public:
    Layer(int64_t hidden, Generator& generator);
    Variable operator()(const Variable& x, const Variable& attributes, const EdgeLists& edges) const;

   private:
    nn::Linear edge1_, edge2_, node1_, node2_;
  };

  nn::Linear embedding_;
  std::vector<std::unique_ptr<Layer>> layers_;
  nn::Linear decoder1_, decoder2_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_PARTICLE_GNN_H_
