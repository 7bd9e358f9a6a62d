// The message-passing base function on particles (O(3) experiments of Kim et al. 2023, section 3.2): permutation
// equivariant, without symmetry under rotations.
#ifndef ORBIT_MODELS_PARTICLE_GNN_H_
#define ORBIT_MODELS_PARTICLE_GNN_H_

#include "engine/nn/linear.h"
#include "engine/nn/module.h"
#include "engine/random.h"
#include "models/complete_graph.h"

namespace orbit {

struct ParticleGnnOptions {
  int64_t layers = 4;
  int64_t hidden = 60;
};

class ParticleGnn : public nn::Module {
 public:
  ParticleGnn(const ParticleGnnOptions& options, Generator& generator);

  // nodes [rows, n, 3, 2], edges [rows, n, n, 2] -> [rows, n, 3].
  Variable operator()(const Variable& nodes, const Variable& edges) const;

 private:
  // m_ij = MLP(x_i, x_j, e_ij); x_i' = MLP(x_i, sum_j m_ij).
  class Layer : public nn::Module {
   public:
    Layer(int64_t hidden, Generator& generator);
    Variable operator()(const Variable& x, const Variable& edges, const CompleteGraph& graph, int64_t n) const;

   private:
    nn::Linear edge1_, edge2_, node1_, node2_;
  };

  nn::Linear embedding_;
  std::vector<std::unique_ptr<Layer>> layers_;
  nn::Linear decoder1_, decoder2_;
  mutable CompleteGraphs graphs_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_PARTICLE_GNN_H_
