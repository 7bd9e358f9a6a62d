// Graph isomorphism networks (Xu et al., How Powerful are Graph Neural Networks?, ICLR 2019).
#ifndef ORBIT_MODELS_GIN_H_
#define ORBIT_MODELS_GIN_H_

#include "engine/edge_lists.h"
#include "engine/nn/batch_norm.h"
#include "engine/nn/linear.h"
#include "engine/nn/module.h"
#include "engine/random.h"
#include "groups/distribution.h"

namespace orbit {

struct GinOptions {
  int64_t channels = 2;  // features per node
  int64_t hidden = 64;
  int64_t layers = 3;
  double dropout = 0;  // within the MLPs, in training
  // adds a layer `input`, which published graph-separation checkpoints have but nothing uses
  bool unused_input = false;
};

// A score for every node of a graph with a virtual node, which is joined to all nodes and itself. Each layer is
// relu(BatchNorm(MLP((1 + eps) x + sum over neighbours))) with MLP = Linear, BatchNorm, relu, Linear. BatchNorm is over
// all rows, including padding.
class Gin : public nn::Module {
 public:
  Gin(const GinOptions& options, Generator& generator);

  // x [graphs, samples, 1 + n, channels], with the virtual node first -> scores [graphs, samples, 1 + n].
  Variable operator()(const Variable& x, const EdgeLists& edges, const Tensor& num_nodes, Generator& generator) const;

 private:
  struct Mlp : nn::Module {
    Mlp(int64_t in, int64_t hidden, Generator& generator);
    nn::Linear first, second;
    nn::BatchNorm norm;
  };

  double dropout_;
  Variable eps_;  // [layers]
  nn::ModuleList<Mlp> mlps_;
  nn::ModuleList<nn::BatchNorm> norms_;
  nn::Linear head_;
  std::unique_ptr<nn::Linear> unused_input_;
};

// q(x, eps) on graphs, equivariant to S_n: a GIN on the node features plus uniform noise. x needs as its first feature
// the nodes [batch, n, channels] (order 1), edges and num_nodes.
class GraphNetwork : public EquivariantNetwork {
 public:
  // Noise is drawn from [0, noise_scale).
  GraphNetwork(const GinOptions& options, double noise_scale, Generator& generator);

  // [batch, samples, n, channels]; the noise of padding nodes has no effect.
  Tensor DrawNoise(const Features& x, int64_t samples, Generator& generator) const override;
  Representation noise_representation() const override { return Representation::Scalars(1); }
  Proposal Forward(const Features& x, const Tensor& noise, Generator& generator) override;

 private:
  double noise_scale_;
  Variable virtual_node_;  // [channels]
  Gin gin_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_GIN_H_
