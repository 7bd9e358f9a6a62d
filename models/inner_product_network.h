// An equivariant network for every matrix group. It combines vectors with weights that are functions of their inner
// products, under the form that the group preserves. Up to orientation, all equivariant functions are of this kind
// (Villar et al., Scalars are universal, NeurIPS 2021; for four-momenta: Gong et al., LorentzNet, JHEP 2022).
#ifndef ORBIT_MODELS_INNER_PRODUCT_NETWORK_H_
#define ORBIT_MODELS_INNER_PRODUCT_NETWORK_H_

#include <memory>
#include <vector>

#include "engine/nn/linear.h"
#include "groups/distribution.h"

namespace orbit {

struct InnerProductNetworkOptions {
  int64_t vectors = 1;  // vectors per node: the channels of all features that are Vectors(1)
  int64_t scalars = 0;  // numbers per node: the channels of all features that are Scalars(1)
  int64_t hidden = 32;
  int64_t layers = 2;
  double noise_scale = 1;
  int64_t noise_channels = 4;  // noise numbers per node, for groups that are not compact
};

// Nodes exchange messages, which are functions of both states and of the inner products of the nodes' vectors (for
// Hermitian forms, of these and i times these). A node's score is linear in its state. A vector of the frame is the sum
// of all nodes' vectors, weighted by functions of their states. The noise is normal. In compact groups it is added to
// the vectors; in others it is additional numbers of the nodes. In the latter the frame's first vector is a sum, with
// positive weights, of every node's first vector on which translations do not act; in the Lorentz groups these must be
// timelike or lightlike, all with the same direction in time, and not all parallel and lightlike. The vectors of a
// graph must span all dimensions; checking this on a GPU waits for the device. Positions are taken relative to their
// mean. Features of other kinds are ignored. Throws Error for graphs of several sizes.
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
  int64_t channels_;  // real vectors per node; Hermitian forms also count i times each vector
  nn::Linear embedding_;
  std::vector<std::unique_ptr<Layer>> layers_;
  nn::Linear scores_, weights_, positive_weights_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_INNER_PRODUCT_NETWORK_H_
