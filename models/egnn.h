// EGNN with velocities (Satorras, Hoogeboom, Welling: E(n) Equivariant Graph Neural Networks, ICML 2021, section 3.2):
// the baseline on particles that is equivariant by construction.
#ifndef ORBIT_MODELS_EGNN_H_
#define ORBIT_MODELS_EGNN_H_

#include <memory>
#include <vector>

#include "engine/edge_lists.h"
#include "engine/nn/linear.h"
#include "engine/random.h"
#include "groups/model.h"

namespace orbit {

struct EgnnOptions {
  int64_t layers = 4;
  int64_t hidden = 64;
};

class Egnn : public TailoredModel {
 public:
  Egnn(const EgnnOptions& options, Generator& generator);

  // Of x it uses feature 0, positions and velocities [batch, n, 3, 2], and feature 2, charges [batch, n, 1]
  // (models/nbody_model.h). Returns later positions [batch, n, 3, 1].
  Variable Predict(const Features& x) const override;

 private:
  // m_ij = phi_e(h_i, h_j, |x_i - x_j|^2, e_ij); x_i' = x_i + mean_j clamp((x_i - x_j) phi_x(m_ij)) + phi_v(h_i) v_i;
  // h_i' = h_i + phi_h(h_i, sum_j m_ij).
  class Layer : public nn::Module {
   public:
    Layer(int64_t hidden, Generator& generator);
    void Apply(const Variable& attributes, const Variable& velocities, const EdgeLists& edges, Variable& h,
               Variable& x) const;

   private:
    nn::Linear edge1_, edge2_, node1_, node2_, position1_, position2_, velocity1_, velocity2_;
  };

  nn::Linear embedding_;
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_EGNN_H_
