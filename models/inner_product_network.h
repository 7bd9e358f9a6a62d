// An equivariant network for every matrix group: vectors are combined with weights that are functions of their inner
// products under the form that the group preserves, which is all that an equivariant function can do up to
// orientation (Villar et al., Scalars are universal, NeurIPS 2021; on four-momenta: Gong et al., LorentzNet, JHEP
// 2022).
#ifndef ORBIT_MODELS_INNER_PRODUCT_NETWORK_H_
#define ORBIT_MODELS_INNER_PRODUCT_NETWORK_H_

#include <memory>
#include <vector>

#include "engine/nn/linear.h"
#include "groups/distribution.h"

namespace orbit {

struct InnerProductNetworkOptions {
  int64_t vectors = 1;  // vectors a node: the channels of all features that are Vectors(1)
  int64_t scalars = 0;  // numbers a node: the channels of all features that are Scalars(1)
  int64_t hidden = 32;
  int64_t layers = 2;
  double noise_scale = 1;
  int64_t noise_channels = 4;  // numbers of noise a node, of groups that are not compact
};

// Nodes pass messages, functions of what both are and of the inner products of their vectors (and, for Hermitian forms,
// of these and i times these). A score of a node is linear in its state; a vector of the frame is the sum of all nodes'
// vectors, weighted by functions of their states.
// The noise is normal: added to the vectors in compact groups, numbers of the nodes in others. In those the frame's
// first vector is a sum with positive weights, of every node's first vector that translations leave alone: in the
// Lorentz groups these are to be timelike or lightlike, all of one direction in time, not all parallel and lightlike.
// The vectors of a graph have to span all dimensions; with the GPU that is waited for.
// Positions are taken from their mean. Features of other kinds do not enter. Throws Error for graphs of several sizes.
class InnerProductNetwork : public EquivariantNetwork {
 public:
  InnerProductNetwork(const Group& group, const InnerProductNetworkOptions& options, Generator& generator);

  Tensor DrawNoise(const Features& x, int64_t samples, Generator& generator) const override;
  Representation noise_representation() const override;
  Proposal Forward(const Features& x, const Tensor& noise, Generator& generator) override;

 private:
  struct Layer : nn::Module {
    Layer(int64_t products, int64_t hidden, Generator& generator);
    nn::Linear receiver, sender, product, message, state, update;
  };

  Group group_;
  InnerProductNetworkOptions options_;
  int64_t channels_;  // real vectors a node: of Hermitian forms every vector and i times it
  nn::Linear embedding_;
  std::vector<std::unique_ptr<Layer>> layers_;
  nn::Linear scores_, weights_, positive_weights_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_INNER_PRODUCT_NETWORK_H_
