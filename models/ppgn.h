// Provably powerful graph networks (Maron et al., NeurIPS 2019).
#ifndef ORBIT_MODELS_PPGN_H_
#define ORBIT_MODELS_PPGN_H_

#include "models/tailored_graph_network.h"

namespace orbit {

// On pairs of nodes [batch, n, n, channels]: adjacency and, on the diagonal, the node's features. A block is
// x' = m3([x, m1(x) m2(x)]), each m a Linear over the channels and the activation, the product one of n x n matrices a
// channel. The graph is the sums over its diagonal and over the rest, side by side.
class Ppgn : public TailoredGraphNetwork {
 public:
  Ppgn(const TailoredGraphOptions& options, Generator& generator);

  Variable Predict(const Features& x) const override;

 private:
  static constexpr int64_t kWidth = 56;
  struct Block : nn::Module {
    Block(int64_t in, Generator& generator);
    nn::Linear first, second, skip;
  };

  Activation activation_;
  nn::ModuleList<Block> blocks_;
  GraphHead head_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_PPGN_H_
